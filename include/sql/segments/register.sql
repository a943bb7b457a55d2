-- Purpose: register a segment that is new on a date; one that the date has had before keeps what it has.
-- Grain: segment. Parameters: segment_id, sketch, as_of_date.
-- Re-run: the same row; a sketch is added to a segment that was registered before there were any.
insert into segments.segments (segment_id, status, first_seen, last_seen, given_on, origin, sketch)
select
    %(segment_id)s,
    'active',
    %(as_of_date)s,
    %(as_of_date)s,
    %(as_of_date)s,
    'appear',
    %(sketch)s::bigint[]
on conflict (segment_id) do update
    set sketch = excluded.sketch
    where segments.sketch = '{}'
