-- Purpose: the currency of the shop: the most frequent one of the newest 10,000 orders before a date.
-- Grain: one row, or none. Inputs: core.orders, by its index on day.
-- Parameters: as_of_date. Read only, also by the role of the UI, which has day and currency of the orders.
with newest as (
    select currency
    from core.orders
    where day < %(as_of_date)s
    order by day desc, currency
    limit 10000
)

select currency
from newest
where currency is not null
group by currency
order by count(*) desc, currency
limit 1
