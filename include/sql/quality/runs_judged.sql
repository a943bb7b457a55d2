-- Purpose: the pages of Data Docs: what each run's gates found, the newest first.
-- Grain: page (a gate of a run). Inputs: segments.quality_results. Parameters: runs (most pages listed).
-- Re-run: reads only.
select
    as_of_date,
    run_id,
    link,
    regexp_replace(link, '^.*/(.*)\.html$', '\1') as page,
    count(*) as checked,
    count(*) filter (where not success and severity = 'critical') as critical,
    count(*) filter (where not success and severity = 'warning') as warnings,
    to_char(max(checked_at) at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as checked_at
from segments.quality_results
where link is not null
group by as_of_date, run_id, link
order by max(checked_at) desc, link
limit %(runs)s
