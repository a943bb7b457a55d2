-- Purpose: the run that readers see of a date; of the newest published date where none is told.
-- Grain: one row, or none. Inputs: segments.runs. Parameters: as_of_date (may be null). Read only.
select *
from segments.runs
where
    status = 'published'
    and as_of_date = coalesce(
        %(as_of_date)s::date, (select max(as_of_date) from segments.runs where status = 'published')
    )
order by published_at desc
limit 1
