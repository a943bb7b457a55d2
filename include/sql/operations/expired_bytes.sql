-- Purpose: forget the bytes of dates whose rows are gone, and whose time is over.
-- Grain: as-of date. Inputs: segments.runs. Parameters: assignments_from: the first date of which they are kept.
-- Re-run: nothing left to forget.
delete from segments.packed_segments as k
where
    k.as_of_date < %(assignments_from)s
    and not exists (
        select from segments.runs as r
        where r.as_of_date = k.as_of_date and r.status = 'published' and r.dropped_at is null
    )
