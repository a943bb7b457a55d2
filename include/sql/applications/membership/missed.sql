-- Purpose: the dates that membership does not have as they are: published while it was turned off, before it
--     was there, or withdrawn meanwhile; in order.
-- Grain: as_of_date. Inputs: segments.runs, segments.membership_dates.
-- Parameters: kept_from: earlier dates are no longer kept in membership. Read only.
with published as (
    select distinct on (as_of_date)
        as_of_date,
        run_id,
        dropped_at
    from segments.runs
    where status = 'published'
    order by as_of_date asc, published_at desc
)

select
    coalesce(p.as_of_date, d.as_of_date) as as_of_date,
    coalesce(p.run_id, d.run_id) as run_id,
    p.run_id is not null as is_published
from published as p
full join segments.membership_dates as d on p.as_of_date = d.as_of_date
where
    coalesce(p.as_of_date, d.as_of_date) >= %(kept_from)s
    and (
        p.run_id is null and d.is_published
        or p.dropped_at is null and p.run_id is not null
        and (d.as_of_date is null or not d.is_published or d.run_id <> p.run_id)
    )
order by as_of_date
