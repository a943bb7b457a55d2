-- Purpose: the day of the first of the dates just before that the sources gate stopped, one after another.
-- Grain: one row; null when the date before went beyond that gate. Inputs: segments.runs.
-- Parameters: end: the as-of date; earliest: the first day that is looked at.
-- Re-run: reads only.
with ended as (
    select distinct on (as_of_date)
        as_of_date,
        status = 'rejected' and verdict ~ '^(extract|check_sources|clean):' as is_stopped
    from segments.runs
    where
        as_of_date < %(end)s::date and as_of_date > %(earliest)s::date
        and status <> 'running'
    order by as_of_date asc, started_at desc
)

select min(as_of_date) - 1 as day
from ended
where
    is_stopped
    and as_of_date > coalesce((select max(e.as_of_date) from ended as e where not e.is_stopped), '-infinity')
