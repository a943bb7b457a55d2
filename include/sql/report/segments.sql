-- Purpose: the segments that a run published, the largest revenue first; a name that a person has given is
--     shown at once.
-- Grain: segment. Inputs: segments.segment_versions, segments.segments, segments.segment_name_overrides.
-- Parameters: as_of_date, run_id. Read only.
select
    sv.segment_id,
    coalesce(o.name, sv.generated_name, sv.name) as name,
    coalesce(sv.generated_name, sv.name) as generated_name,
    coalesce(o.description, sv.description) as description,
    o.description is not null as has_own_description,
    sv.rule,
    sv.value_tier,
    sv.lifecycle,
    sv.traits,
    sv.customers,
    sv.share,
    sv.revenue_365d,
    s.first_seen
from segments.segment_versions as sv
left join segments.segments as s
    on sv.segment_id = s.segment_id
left join segments.segment_name_overrides as o
    on sv.segment_id = o.segment_id
where sv.as_of_date = %(as_of_date)s and sv.run_id = %(run_id)s
order by sv.revenue_365d desc, sv.segment_id
