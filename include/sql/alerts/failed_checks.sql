-- Purpose: what stopped a run: the critical expectations that were not met.
-- Grain: gate, table, expectation. Inputs: segments.quality_results. Parameters: run_id. Re-run: reads only.
select
    gate,
    table_name,
    expectation,
    severity,
    success,
    family,
    subject,
    value,
    unit,
    least,
    most,
    wording,
    details,
    observed,
    expected,
    failing_rows,
    link
from segments.quality_results
where run_id = %(run_id)s and severity = 'critical' and not success
order by checked_at, table_name, expectation
