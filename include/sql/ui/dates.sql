-- Purpose: the published dates, the newest first, with the run that readers see.
-- Grain: date. Inputs: segments.runs. Parameters: limit, offset. Read only.
with published as (
    select distinct on (as_of_date)
        as_of_date,
        run_id,
        published_at,
        parent_as_of_date,
        parent_run_id,
        decision,
        verdict,
        (counts ->> 'customers')::integer as customers,
        (counts ->> 'segments')::integer as segments
    from segments.runs
    where status = 'published'
    order by as_of_date desc, published_at desc
)

select
    *,
    count(*) over () as total
from published
order by as_of_date desc
limit %(limit)s offset %(offset)s
