-- Purpose: the facts of each day that features may read, as a checksum that does not depend on their order.
-- Grain: kind of fact and day. Inputs: core, the days of the window.
-- Parameters: first (null: all history), end: the window's days.
-- Re-run: reads only.
-- Caveat: a cancellation is a fact of the day it happens on, whenever the order was placed: it changes no
--     date up to that day. What no feature reads (status, channel, e-mail, consent) is left out: it changes
--     every day. Cancellations of orders of the window may lie after it, so these days have no end.
with facts as (
    select
        'customers' as table_name,
        valid_from as day,
        hashtextextended(concat_ws('|', customer_id, birth_year, gender, country), 0) as hash
    from core.customers
    where valid_from >= coalesce(%(first)s::date, '-infinity') and valid_from < %(end)s::date
    union all
    select
        'orders',
        day,
        hashtextextended(concat_ws('|', order_id, customer_id, local_hour, currency), 0)
    from core.orders
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    union all
    select
        'cancellations',
        cancelled_on,
        hashtextextended(order_id, 0)
    from core.orders
    where cancelled_on >= coalesce(%(first)s::date, '-infinity')
    union all
    select
        'order_items',
        day,
        hashtextextended(
            concat_ws(
                '|', order_id, line_no, customer_id, product_id, category, is_service, quantity, unit_price,
                amount_cents
            ),
            0
        )
    from core.order_items
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    union all
    select
        'events',
        day,
        hashtextextended(
            concat_ws('|', event_id, customer_id, event_type, duration_seconds, session_id, product_id), 0
        )
    from core.events
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    union all
    select
        'reviews',
        day,
        hashtextextended(concat_ws('|', review_id, customer_id, body_chars, rating, product_id), 0)
    from core.reviews
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
)

select
    table_name,
    day,
    count(*) as row_count,
    sum(hash) as checksum
from facts
group by table_name, day
