-- Purpose: clean orders of customers whom the shop's customers table does not have.
-- Grain: one row. Inputs: core.orders of the window, core.customers. Parameters: first, end.
-- Re-run: reads only.
-- Caveat: each customer of the window is looked up by the key; a join may read all customers for one day.
with orders_of as (
    select
        customer_id,
        count(*) as orders
    from core.orders
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by customer_id
),

looked_up as (
    select
        o.orders,
        k.is_known
    from orders_of as o
    left join lateral (
        select true as is_known
        from core.customers as c
        where c.customer_id = o.customer_id
        order by c.valid_from
        limit 1
    ) as k on true
)

select
    coalesce(sum(orders) filter (where is_known is null), 0)::bigint as rows_of_unknown_customers,
    coalesce(sum(orders) filter (where is_known is null), 0)::double precision
    / nullif(sum(orders), 0)::double precision as unknown_customer_share
from looked_up
