-- Purpose: the lines of products that customers bought, services left out.
-- Grain: customer, day, product, category and day of the cancellation.
-- Inputs: core.order_items of the window, rolled_orders (temporary; rolled_orders.sql).
-- Parameters: first (null: all history), end: the window's days. Read only.
-- Caveat: one line, which most rows are, is null, and takes no room.
select
    i.customer_id,
    i.day,
    i.product_id,
    i.category,
    o.cancelled_on,
    nullif(count(*), 1)
from core.order_items as i
inner join rolled_orders as o on i.order_id = o.order_id
where
    i.day >= coalesce(%(first)s::date, '-infinity') and i.day < %(end)s::date
    and i.quantity > 0 and i.unit_price > 0 and not i.is_service
group by i.customer_id, i.day, i.product_id, i.category, o.cancelled_on
