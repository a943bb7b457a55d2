-- Purpose: the orders of the demo shop, sales and returns alike.
-- Grain: a row of demo.orders; some are there twice, once in an older state (the cleaning keeps the newest).
-- Parameters: start, end: instants, half-open. The day of a row is the earlier of ordered_at and updated_at,
--   so that an order without a date or dated years ahead is read on the day it was written.
-- Caveats: status, cancelled_at and updated_at change for up to nine days after the order; the day of the row
--   does not. Customer numbers come from a spreadsheet import in part: ' 123 ', '123.0'.
select
    order_no::text as order_id,
    nullif(regexp_replace(btrim(customer_no), '\.0$', ''), '') as customer_id,
    ordered_at,
    lower(btrim(status)) as status,
    cancelled_at,
    channel,
    currency,
    updated_at
from demo.orders
where
    coalesce(least(ordered_at, updated_at), updated_at, ordered_at) >= %(start)s
    and coalesce(least(ordered_at, updated_at), updated_at, ordered_at) < %(end)s
