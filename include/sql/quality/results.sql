-- Purpose: keep one verdict of a gate.
-- Grain: run, gate, table and expectation. Parameters: as the columns. Re-run: overwrites.
insert into segments.quality_results
(
    run_id, as_of_date, gate, table_name, expectation, severity, success, family, subject, value, unit, least,
    most, wording, details, observed, expected, failing_rows, link
)
values (
    %(run_id)s, %(as_of_date)s, %(gate)s, %(table_name)s, %(expectation)s, %(severity)s, %(success)s,
    %(family)s, %(subject)s, %(value)s, %(unit)s, %(least)s, %(most)s, %(wording)s, %(details)s::jsonb,
    %(observed)s, %(expected)s, %(failing_rows)s, %(link)s
)
on conflict (run_id, gate, table_name, expectation) do update
    set
        as_of_date = excluded.as_of_date,
        severity = excluded.severity,
        success = excluded.success,
        family = excluded.family,
        subject = excluded.subject,
        value = excluded.value,
        unit = excluded.unit,
        least = excluded.least,
        most = excluded.most,
        wording = excluded.wording,
        details = excluded.details,
        observed = excluded.observed,
        expected = excluded.expected,
        failing_rows = excluded.failing_rows,
        link = excluded.link,
        checked_at = now()
