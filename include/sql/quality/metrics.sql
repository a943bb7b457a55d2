-- Purpose: keep what a table's metrics file measured, one row a metric, for the gate and its history.
-- Grain: run, gate, table and metric.
-- Inputs: the SELECT of `source`, which gives one row with a column a metric, or all of them as JSON in `metrics`.
-- Parameters: run_id, as_of_date, gate, table_name, and those of the source; identifier: source.
-- Re-run: overwrites.
insert into quality.metrics (run_id, as_of_date, gate, table_name, metric, value)
select
    %(run_id)s,
    %(as_of_date)s,
    %(gate)s,
    %(table_name)s,
    m.key,
    m.value::double precision
from (
{% include source %}
) as measured
cross join lateral jsonb_each_text(coalesce(to_jsonb(measured) -> 'metrics', to_jsonb(measured))) as m
on conflict (run_id, gate, table_name, metric) do update
    set
        as_of_date = excluded.as_of_date,
        value = excluded.value
