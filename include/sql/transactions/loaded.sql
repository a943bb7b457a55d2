-- Purpose: how many lines are loaded, and the last day that is not in the future. Parameters: timezone.
-- Grain: one row.
select
    count(*) as rows,
    max((placed_at at time zone %(timezone)s)::date) filter (where placed_at <= now()) as last_day
from transactions.lines
