-- Purpose: what the gates of a run found, failures first, the gravest of them first.
-- Grain: gate, table and expectation. Inputs: segments.quality_results.
-- Parameters: run_id. Read only.
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
where run_id = %(run_id)s
order by
    success asc,
    case severity when 'critical' then 1 when 'warning' then 2 else 3 end asc,
    gate asc,
    table_name asc,
    expectation asc
