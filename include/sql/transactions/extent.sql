-- Purpose: how much of a shop the loaded lines show. Parameters: timezone.
-- Grain: one row.
with dated as (
    select
        customer_id,
        (placed_at at time zone %(timezone)s)::date as day
    from transactions.lines
    where not is_unreadable
)

select
    min(day) as first_day,
    count(distinct day)::integer as days,
    count(distinct customer_id)::integer as customers
from dated
