-- Purpose: size and revenue of the segments of a date on the published dates up to it, the oldest first.
-- Grain: date and segment. Inputs: segments.segment_versions.
-- Parameters: as_of_date, dates (how many of the newest dates). Read only.
with shown as (
    select distinct as_of_date
    from segments.segment_versions
    where as_of_date <= %(as_of_date)s
    order by as_of_date desc
    limit %(dates)s
)

select
    sv.as_of_date,
    sv.segment_id,
    sv.customers,
    sv.revenue_365d::double precision as revenue
from segments.segment_versions as sv
inner join shown on sv.as_of_date = shown.as_of_date
order by sv.as_of_date, sv.segment_id
