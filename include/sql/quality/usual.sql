-- Purpose: the highest that some figures of a table were on the dates of the last four weeks.
-- Grain: one row; `metrics` has <figure>_usual of each that was measured.
-- Inputs: quality.metrics. Parameters: gate, table_name, as_of_date, usual (names of figures).
-- Re-run: reads only.
select coalesce(jsonb_object_agg(measured.metric || '_usual', measured.highest), '{}') as metrics
from (
    select
        metric,
        max(value) as highest
    from quality.metrics
    where
        gate = %(gate)s
        and table_name = %(table_name)s
        and metric = any(%(usual)s)
        and as_of_date >= %(as_of_date)s::date - 28
        and as_of_date < %(as_of_date)s
    group by metric
) as measured
