-- Purpose: give lines that carry no instant of their own the day of their order.
-- Grain: order line, as extracted.
-- Inputs: incoming_items (temporary), staging.orders of the same window.
-- Parameters: first (null: all history), end: the window's days.
-- Re-run: the window's days were deleted before.
-- Caveat: a line whose order was not extracted goes to the window's last day, and cleaning quarantines it.
insert into staging.order_items
(day, order_id, line_no, product_id, category, quantity, unit_price, discount)
with order_days as (
    select
        order_id,
        min(day) as day
    from staging.orders
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by order_id
)

select
    coalesce(o.day, %(end)s::date - 1),
    i.order_id,
    i.line_no,
    i.product_id,
    i.category,
    i.quantity,
    i.unit_price,
    i.discount
from incoming_items as i
left join order_days as o on i.order_id = o.order_id
