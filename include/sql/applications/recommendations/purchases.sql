-- Purpose: the days on which customers bought products, as numbers.
-- Grain: customer, product, day and cancellation, in no order: they are sorted by who reads them, which is quicker.
--     Customers and products count from 0. Inputs: features.customer_product_day.
-- Parameters: since, until: days from one date to before another; known_at: orders that were cancelled before it do
--     not count; identifiers: customers (number, customer_id), products (product_number, product_id). Read only.
select
    c.number - 1 as customer,
    p.product_number - 1 as product,
    %(until)s::date - b.day as age_days,
    %(until)s::date - b.cancelled_on as cancelled_days
from features.customer_product_day as b
inner join {{ customers }} as c on b.customer_id = c.customer_id
inner join {{ products }} as p on b.product_id = p.product_id
where
    b.day >= %(since)s::date and b.day < %(until)s::date
    and (b.cancelled_on is null or b.cancelled_on >= %(known_at)s::date)
