-- Purpose: what became of each segment between the parent date and a date, those that vanished too.
-- Grain: segment. Inputs: segments.segment_events, segments.segment_versions, names given by people.
-- Parameters: as_of_date, run_id, parent_as_of_date. Read only.
select
    e.segment_id,
    e.event,
    e.parents,
    e.successors,
    e.customers,
    e.customers_before,
    e.customers_stayed,
    coalesce(o.name, sv.name) as name
from segments.segment_events as e
left join segments.segment_versions as sv
    on
        e.segment_id = sv.segment_id
        and sv.as_of_date = case
            when e.event = 'vanish' then %(parent_as_of_date)s
            else %(as_of_date)s
        end
left join segments.segment_name_overrides as o
    on e.segment_id = o.segment_id
where e.as_of_date = %(as_of_date)s and e.run_id = %(run_id)s
order by e.segment_id
