-- Purpose: keep what a metrics file measured of a table, one row a metric, for the gate and its history.
-- Grain: run, gate, table and metric.
-- Inputs: the SELECT `measured`: one row with a column a metric, or with all of them as JSON in `metrics`.
-- Parameters: run_id, as_of_date, gate, table_name, and those of the SELECT.
-- Re-run: overwrites.
insert into quality.metrics (run_id, as_of_date, gate, table_name, metric, value)
with figures as (
    select file.*
    from (
        {{ measured }}
    ) as file
),

long as (
    select
        m.key as metric,
        m.value::double precision as value
    from figures as f
    cross join lateral jsonb_each_text(coalesce(to_jsonb(f) -> 'metrics', to_jsonb(f))) as m
)

select
    %(run_id)s,
    %(as_of_date)s,
    %(gate)s,
    %(table_name)s,
    metric,
    value
from long
on conflict (run_id, gate, table_name, metric) do update
    set
        as_of_date = excluded.as_of_date,
        value = excluded.value
