-- Purpose: the runs that published a date are withdrawn; who, when and why is kept with them.
-- Grain: run. Inputs: segments.runs. Parameters: day, by, note (may be empty).
-- Re-run: a date that is withdrawn has no published run, and nothing is changed.
update segments.runs
set
    status = 'withdrawn',
    withdrawn_by = %(by)s,
    withdrawn_at = now(),
    withdrawn_note = nullif(%(note)s, ''),
    verdict = 'withdrawn by ' || %(by)s || coalesce(' (' || nullif(%(note)s, '') || ')', '')
    || coalesce('; it was published: ' || verdict, '')
where as_of_date = %(day)s and status = 'published'
