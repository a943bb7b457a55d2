-- Purpose: the segment of everybody on a date, a byte a customer, for segments.packed_segments.
-- Grain: as-of date. Parameters: as_of_date, run_id, segment_ids (by the number that a byte is), places (a byte
--     a customer number; 0: not there).
-- Re-run: the row of the date is deleted before, in the same transaction.
insert into segments.packed_segments (as_of_date, run_id, segment_ids, places)
values (%(as_of_date)s, %(run_id)s, %(segment_ids)s::integer[], %(places)s)
