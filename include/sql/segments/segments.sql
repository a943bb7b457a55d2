-- Purpose: the register of segments after a publication: those of the newest date are active.
-- Grain: segment. Inputs: segments.segment_versions, segments.segment_events. Parameters: none.
-- Re-run: the same rows: all but the id and its date follows from the published dates.
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
),

ended as (
    select distinct on (segment_id)
        segment_id,
        as_of_date,
        successors
    from segments.segment_events
    where event = 'vanish'
    order by segment_id, as_of_date desc
)

update segments.segments as s
set
    first_seen = coalesce(seen.first_seen, s.first_seen),
    last_seen = coalesce(seen.last_seen, s.last_seen),
    status = case when seen.last_seen = newest.as_of_date then 'active' else 'vanished' end,
    origin = case when birth.event in ('appear', 'split', 'merge') then birth.event else s.origin end,
    parents = coalesce(birth.parents, s.parents),
    ended_on = case
        when seen.last_seen = newest.as_of_date then null
        else coalesce(ended.as_of_date, s.given_on)
    end,
    successors = case
        when seen.last_seen = newest.as_of_date then '{}'
        else coalesce(ended.successors, '{}')
    end
from segments.segments as registered
left join seen on registered.segment_id = seen.segment_id
left join segments.segment_events as birth
    on registered.segment_id = birth.segment_id and registered.given_on = birth.as_of_date
left join ended on registered.segment_id = ended.segment_id
cross join newest
where s.segment_id = registered.segment_id
