-- Purpose: keep what a metrics file measured of a table, one row a metric, for the gate and its history.
-- Grain: run, gate, table and metric.
-- Inputs: none but its parameters: run_id, as_of_date, gate, table_name, figures (JSON, by metric).
-- Re-run: overwrites.
insert into quality.metrics (run_id, as_of_date, gate, table_name, metric, value)
select
    %(run_id)s,
    %(as_of_date)s,
    %(gate)s,
    %(table_name)s,
    key,
    value::double precision
from jsonb_each_text(%(figures)s::jsonb)
on conflict (run_id, gate, table_name, metric) do update
    set
        as_of_date = excluded.as_of_date,
        value = excluded.value
