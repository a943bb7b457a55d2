-- Purpose: every customer of a date with the segment and its name as it is now: the list for a CRM.
-- Grain: customer. Inputs: segments.customer_segments, segment_versions, segment_name_overrides.
-- Parameters: as_of_date. Read only.
select
    cs.customer_id,
    cs.segment_id,
    coalesce(o.name, v.generated_name, v.name) as name
from segments.customer_segments as cs
left join segments.segment_versions as v on cs.as_of_date = v.as_of_date and cs.segment_id = v.segment_id
left join segments.segment_name_overrides as o on cs.segment_id = o.segment_id
where cs.as_of_date = %(as_of_date)s  -- noqa: RF02
order by cs.customer_id
