-- Purpose: record what an extraction read.
-- Grain: run and table.
-- Parameters: run_id, table_name, day_from, day_to, rows_loaded, source_version.
-- Re-run: a run that extracts again overwrites its row.
insert into staging.loads (run_id, table_name, day_from, day_to, rows_loaded, source_version)
values (%(run_id)s, %(table_name)s, %(day_from)s, %(day_to)s, %(rows_loaded)s, %(source_version)s)
on conflict (run_id, table_name) do update
    set
        day_from = excluded.day_from,
        day_to = excluded.day_to,
        rows_loaded = excluded.rows_loaded,
        source_version = excluded.source_version,
        loaded_at = now()
