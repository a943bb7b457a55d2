-- Purpose: the figures of the checks on the newest judged dates up to one, for the lines beside them.
-- Grain: gate, table, expectation and date. Inputs: segments.quality_results by its date, segments.runs.
-- Parameters: as_of_date, dates (how many). Read only.
with shown as (
    select distinct on (as_of_date)
        as_of_date,
        run_id
    from segments.runs
    where status in ('published', 'rejected', 'held') and as_of_date <= %(as_of_date)s
    order by as_of_date desc, started_at desc
    limit %(dates)s
)

select
    q.gate,
    q.table_name,
    q.expectation,
    q.as_of_date,
    q.value::double precision as value,
    q.success
from segments.quality_results as q
inner join shown on q.run_id = shown.run_id and q.as_of_date = shown.as_of_date
where q.value is not null
order by q.gate, q.table_name, q.expectation, q.as_of_date
