-- Purpose: move the watermark of each table that the run has read, cleaned and rolled up, and say so of its
--     loads.
-- Grain: table. Inputs: staging.loads of the run. Parameters: run_id.
-- Re-run: the same result. A watermark never moves back, unless the source's file is a new version: then
--     only the days read from that version count, and later days are read again.
insert into staging.watermarks (table_name, loaded_before, source_version)
select
    table_name,
    day_to,
    source_version
from staging.loads
where run_id = %(run_id)s
on conflict (table_name) do update
    set
        loaded_before = case
            when
                watermarks.source_version is distinct from excluded.source_version
                then excluded.loaded_before
            else greatest(watermarks.loaded_before, excluded.loaded_before)
        end,
        source_version = excluded.source_version;

update staging.loads
set rolled_up_at = now()
where run_id = %(run_id)s
