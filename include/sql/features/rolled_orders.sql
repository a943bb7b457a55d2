-- Purpose: what each order adds to its customer's day; an order counts when a line of it has quantity > 0 and
--     unit_price > 0, and one with nothing but returns brings its returns and no order.
-- Grain: order with lines. Inputs: core.orders, core.order_items of the window.
-- Parameters: first (null: all history), end: the window's days.
-- Re-run: reads only; customer_day.sql and customer_day_first.sql include it.
-- Caveat: money is in whole cents, added up as double precision, exact to 2^53: a sum of bigint is a numeric, which
--     takes twice as long, and three times the memory of a group.
with totals as (
    select
        order_id,
        count(*) filter (where quantity > 0 and unit_price > 0) as lines,
        count(*) filter (where quantity > 0 and unit_price > 0 and discount > 0) as discounted_lines,
        coalesce(sum(quantity) filter (where quantity > 0 and not is_service), 0) as units,
        coalesce(
            sum(round(quantity * unit_price * 100)::bigint::double precision) filter (where quantity > 0), 0
        )::bigint as gross_cents,
        coalesce(sum(amount_cents::double precision) filter (where quantity > 0), 0)::bigint as paid_cents,
        count(*) filter (where quantity < 0) as return_lines,
        coalesce(-sum(amount_cents::double precision) filter (where quantity < 0), 0)::bigint as returned_cents
    from core.order_items
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by order_id
)

select
    o.order_id,
    o.customer_id,
    o.day,
    o.cancelled_on,
    (t.lines > 0)::integer as orders,
    (t.lines > 0 and extract(isodow from o.day) >= 6)::integer as weekend_orders,
    (t.lines > 0 and o.local_hour between 5 and 11)::integer as morning_orders,
    (t.lines > 0 and o.local_hour between 12 and 16)::integer as afternoon_orders,
    (t.lines > 0 and o.local_hour between 17 and 21)::integer as evening_orders,
    (t.lines > 0 and (o.local_hour >= 22 or o.local_hour < 5))::integer as night_orders,
    t.lines::integer as lines,
    t.discounted_lines::integer as discounted_lines,
    t.units,
    t.gross_cents,
    t.gross_cents - t.paid_cents as discount_cents,
    t.return_lines::integer as return_lines,
    t.returned_cents
from core.orders as o
inner join totals as t on o.order_id = t.order_id
where o.day >= coalesce(%(first)s::date, '-infinity') and o.day < %(end)s::date
