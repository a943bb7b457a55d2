-- Purpose: the run that readers see of a date; of the newest published date where none is told.
-- Grain: one row, or none. Inputs: segments.runs. Parameters: as_of_date (may be null). Read only.
with newest as (
    select max(as_of_date) as as_of_date
    from segments.runs
    where status = 'published'
)

select r.*
from segments.runs as r
cross join newest
where
    r.status = 'published'
    and r.as_of_date = coalesce(%(as_of_date)s::date, newest.as_of_date)
order by r.published_at desc
limit 1
