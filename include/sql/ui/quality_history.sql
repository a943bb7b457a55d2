-- Purpose: how many checks each gate made on the published dates, and how many were not met.
-- Grain: date and gate. Inputs: segments.quality_results, segments.runs.
-- Parameters: dates (how many of the newest), skip. Read only.
with shown as (
    select distinct on (as_of_date)
        as_of_date,
        run_id
    from segments.runs
    where status in ('published', 'rejected', 'held')
    order by as_of_date desc, started_at desc
    limit %(dates)s offset %(skip)s
)

select
    q.as_of_date,
    q.run_id,
    q.gate,
    count(*) as checks,
    count(*) filter (where not q.success and q.severity = 'critical') as critical,
    count(*) filter (where not q.success and q.severity = 'warning') as warnings
from segments.quality_results as q
inner join shown on q.run_id = shown.run_id and q.as_of_date = shown.as_of_date
group by q.as_of_date, q.run_id, q.gate
order by q.as_of_date desc, q.gate
