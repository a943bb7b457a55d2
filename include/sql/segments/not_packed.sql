-- Purpose: the published runs whose dates have assignments, and no bytes to compare them by, in order.
-- Grain: run. Inputs: segments.runs, segments.packed_segments. Parameters: none. Read only.
with published as (
    select distinct on (as_of_date)
        as_of_date,
        run_id,
        dropped_at
    from segments.runs
    where status = 'published'
    order by as_of_date desc, published_at desc
)

select
    p.as_of_date,
    p.run_id
from published as p
where
    p.dropped_at is null
    and not exists (
        select from segments.packed_segments as k
        where k.as_of_date = p.as_of_date and k.run_id = p.run_id
    )
order by p.as_of_date asc
