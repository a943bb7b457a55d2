-- Purpose: clean orders of customers whom the shop's customers table does not have.
-- Grain: one row. Inputs: core.orders of the window, core.customers. Parameters: first, end.
-- Re-run: reads only.
with known as (
    select distinct customer_id
    from core.customers
)

select
    count(*) filter (where k.customer_id is null) as rows_of_strangers,
    count(*) filter (where k.customer_id is null)::double precision
    / nullif(count(*), 0) as unknown_customer_share
from core.orders as o
left join known as k on o.customer_id = k.customer_id
where o.day >= coalesce(%(first)s::date, '-infinity') and o.day < %(end)s::date
