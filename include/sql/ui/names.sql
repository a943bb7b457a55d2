-- Purpose: what the segments of some dates are called.
-- Grain: date and segment. Inputs: segments.segment_versions, names given by people.
-- Parameters: between (dates). Read only.
select
    sv.as_of_date,
    sv.segment_id,
    coalesce(o.name, sv.generated_name, sv.name) as name
from segments.segment_versions as sv
left join segments.segment_name_overrides as o
    on sv.segment_id = o.segment_id
where sv.as_of_date = any(%(between)s::date[])
order by sv.as_of_date, sv.segment_id
