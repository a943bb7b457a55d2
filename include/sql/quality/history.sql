-- Purpose: an expectation over time: its verdict on each of the newest dates, the newest date first.
-- Grain: as-of date (its newest verdict). Inputs: segments.quality_results.
-- Parameters: gate, table_name, expectation, as_of_date (null: the newest), dates (most dates).
-- Re-run: reads only.
with verdicts as (
    select distinct on (as_of_date)
        as_of_date,
        success,
        observed,
        value,
        unit,
        details
    from segments.quality_results
    where
        gate = %(gate)s
        and table_name = %(table_name)s
        and expectation = %(expectation)s
        and as_of_date <= coalesce(%(as_of_date)s::date, 'infinity')
    order by as_of_date asc, checked_at desc, run_id desc
)

select
    as_of_date,
    success,
    observed,
    value,
    unit,
    details
from verdicts
order by as_of_date desc
limit %(dates)s
