-- Purpose: a new version of a date, with the numbers of its changes as they are now.
-- Grain: as_of_date. Inputs: segments.membership.
-- Parameters: as_of_date, run_id, is_published. Re-run: the row is written anew, under a new version.
with arrived as (
    select
        count(*) filter (where b.customer_id is null) as entered,
        count(*) filter (where b.customer_id is not null) as moved
    from segments.membership as m
    left join segments.membership as b
        on m.customer_id = b.customer_id and m.valid_from = b.valid_to
    where m.valid_from = %(as_of_date)s
),

departed as (
    select count(*) as gone
    from segments.membership as m
    where
        m.valid_to = %(as_of_date)s
        and not exists (
            select from segments.membership as a
            where a.customer_id = m.customer_id and a.valid_from = m.valid_to
        )
)

insert into segments.membership_dates
(as_of_date, run_id, is_published, entered, gone, moved)
select
    %(as_of_date)s,
    %(run_id)s,
    %(is_published)s,  -- noqa: RF02
    a.entered,
    d.gone,
    a.moved
from arrived as a
cross join departed as d
on conflict (as_of_date) do update
    set
        version = default,
        run_id = excluded.run_id,
        is_published = excluded.is_published,
        entered = excluded.entered,
        gone = excluded.gone,
        moved = excluded.moved,
        changed_at = clock_timestamp()
