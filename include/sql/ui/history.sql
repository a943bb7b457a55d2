-- Purpose: size and value of each segment on the newest published dates, the oldest first.
-- Grain: date and segment. Inputs: segments.segment_versions, names given by people.
-- Parameters: dates (how many), skip (how many of the newest to leave out). Read only.
with shown as (
    select distinct as_of_date
    from segments.segment_versions
    order by as_of_date desc
    limit %(dates)s offset %(skip)s
)

select
    sv.as_of_date,
    sv.segment_id,
    coalesce(o.name, sv.generated_name, sv.name) as name,
    sv.customers,
    sv.share,
    sv.revenue_365d
from segments.segment_versions as sv
inner join shown on sv.as_of_date = shown.as_of_date
left join segments.segment_name_overrides as o
    on sv.segment_id = o.segment_id
order by sv.as_of_date, sv.segment_id
