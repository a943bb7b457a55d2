-- Purpose: register a segment that is new on a date; one that the date has had before keeps what it has.
-- Grain: segment, and its sketch. Parameters: segment_id, sketch, as_of_date.
-- Re-run: the same rows; a sketch is added to a segment that was registered before there were any.
with registered as (
    insert into segments.segments (segment_id, status, first_seen, last_seen, given_on, origin)
    values (%(segment_id)s, 'active', %(as_of_date)s, %(as_of_date)s, %(as_of_date)s, 'appear')
    on conflict (segment_id) do nothing
)

insert into privacy.sketches (segment_id, sketch)
values (%(segment_id)s, %(sketch)s::bigint[])
on conflict (segment_id) do nothing
