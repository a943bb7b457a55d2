-- Purpose: the orders of a file of transactions.
-- Grain: order: its number in the file, else the customer and the instant (or the day). A number that is
--     there again on a later day, for what was sent back say, is an order of that day.
-- Parameters: start, end (instants, half-open).
-- Fates: a line without a date that can be read is an order of its own, 'line 17': it stands on the last day
--     of the file, and cleaning quarantines it (ordered_at_missing). An order that came to nothing, by the
--     file's words
--     for it, is cancelled.
select
    order_id,
    coalesce(min(customer_id), case when bool_or(is_unreadable) then 'unreadable' end) as customer_id,
    case when not bool_or(is_unreadable) then min(placed_at) end as ordered_at,
    case when bool_and(is_out) then 'cancelled' else 'completed' end as status,
    case when bool_and(is_out) then min(cancelled_at) end as cancelled_at,
    null as channel,
    min(currency) as currency,
    case when bool_or(is_unreadable) then min(placed_at) end as updated_at
from transactions.lines
where
    placed_at >= %(start)s
    and placed_at < %(end)s
group by order_id
