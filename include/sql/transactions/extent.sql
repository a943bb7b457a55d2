-- Purpose: how much of a shop the loaded lines show. Parameters: timezone.
-- Grain: one row.
select
    min((placed_at at time zone %(timezone)s)::date) as first_day,
    count(distinct (placed_at at time zone %(timezone)s)::date)::integer as days,
    count(distinct customer_id)::integer as customers
from transactions.lines
where not is_unreadable
