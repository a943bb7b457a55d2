-- Purpose: the browsing events of the demo shop, on one clock.
-- Grain: a row of demo.events; retries of a client are there twice, visitors not logged in have no customer.
-- Parameters: start, end: instants, half-open, on the occurred_at given out; timezone: that of the shop.
-- Caveats: each server writes time its own way: local with an offset, UTC with a Z, or (the till) local
--   without either. An event cannot happen after it was received, which repairs the server that stamps local
--   time with a Z east of Greenwich; one that stamps UTC with the local offset cannot be told and stays some
--   hours early. A missing or zero date falls back to the receipt. Events are received within a day, so
--   received_at, which has the index, narrows the search first.
with received as (
    select
        event_no::text as event_id,
        nullif(regexp_replace(btrim(customer_no), '\.0$', ''), '') as customer_id,
        session_no::text as session_id,
        least(
            case
                when occurred_at_text ~ '^[12]\d{3}-\d\d-\d\d \d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$'
                    then occurred_at_text::timestamptz
                when occurred_at_text ~ '^[12]\d{3}-\d\d-\d\d \d\d:\d\d:\d\d$'
                    then occurred_at_text::timestamp at time zone %(timezone)s
            end,
            received_at
        ) as occurred_at,
        case kind
            when 'page_view' then 'view'
            when 'add_to_cart' then 'cart'
            when 'checkout_start' then 'checkout'
            when 'order_placed' then 'purchase'
            when 'search' then 'search'
            else 'other'
        end as event_type,
        btrim(product_code) as product_id,
        seconds_on_page as duration_seconds
    from demo.events
    where
        received_at >= %(start)s
        and received_at < %(end)s::timestamptz + interval '1 day'
)

select
    event_id,
    customer_id,
    session_id,
    occurred_at,
    event_type,
    product_id,
    duration_seconds
from received
where
    occurred_at >= %(start)s
    and occurred_at < %(end)s
