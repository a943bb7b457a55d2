-- Purpose: the register of segments after a publication: those of the newest date are active.
-- Grain: segment. Inputs: segments.segment_versions. Parameters: none.
-- Re-run: the same rows: first_seen, last_seen and status follow from the published dates.
-- Caveat: a segment that its date, run again, no longer has is vanished; its id stays reserved to that date.
with seen as (
    select
        segment_id,
        min(as_of_date) as first_seen,
        max(as_of_date) as last_seen
    from segments.segment_versions
    group by segment_id
),

newest as (
    select max(as_of_date) as as_of_date
    from segments.segment_versions
)

update segments.segments as s
set
    first_seen = coalesce(seen.first_seen, s.first_seen),
    last_seen = coalesce(seen.last_seen, s.last_seen),
    status = case when seen.last_seen = newest.as_of_date then 'active' else 'vanished' end
from segments.segments as registered
left join seen on registered.segment_id = seen.segment_id
cross join newest
where s.segment_id = registered.segment_id
