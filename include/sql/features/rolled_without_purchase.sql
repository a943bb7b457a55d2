-- Purpose: the orders that count for nobody: no line of them is a purchase (gifts, or nothing but returns).
-- Grain: order. Inputs: core.orders of the window, rolled_orders (temporary; rolled_orders.sql).
-- Parameters: first (null: all history), end: the window's days. Read only.
select
    o.customer_id,
    o.day,
    o.order_id
from core.orders as o
left join rolled_orders as r on o.order_id = r.order_id and r.orders > 0
where
    o.day >= coalesce(%(first)s::date, '-infinity') and o.day < %(end)s::date
    and r.order_id is null
