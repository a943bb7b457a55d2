-- Purpose: the runs whose files may go, wholly (the date was dropped) or in part.
-- Grain: run that has ended. Inputs: segments.runs, segments.packed_segments. Parameters: none.
-- Re-run: reads only.
-- Caveat: files of a run stay when a date that is kept was made with its model, and when it waits for a
--     decision.
select
    r.run_id,
    r.as_of_date,
    r.as_of_date in (select d.as_of_date from segments.runs as d where d.dropped_at is not null)
    and not exists (
        select
        from segments.runs as k
        where
            k.status = 'published'
            and k.dropped_at is null
            and (k.as_of_date = r.as_of_date or strpos(k.model_path, r.run_id) > 0)
    )
    -- of a date between two weeks' ends the bytes are kept, and its report with them
    and not exists (select from segments.packed_segments as b where b.as_of_date = r.as_of_date) as is_dropped
from segments.runs as r
where r.status not in ('running', 'held')
order by r.as_of_date
