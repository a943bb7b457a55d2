-- Purpose: an audience that somebody saves.
-- Grain: audience. Parameters: those named below. Re-run: refused by the keys; saved_audiences.py asks before.
insert into segments.saved_audiences
(audience_id, name, segment_ids, conditions, note, made_by, counted_on, customers)
values
(
    %(audience_id)s, %(name)s, %(segment_ids)s, %(conditions)s::jsonb, %(note)s, %(by)s, %(as_of_date)s,
    %(customers)s
)
returning *
