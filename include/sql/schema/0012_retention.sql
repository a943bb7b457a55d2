-- Purpose: dates whose assignments the maintenance has dropped: they are no parent, and not stale.
-- Grain: run. Part of the twelfth migration.

alter table segments.runs add column dropped_at timestamptz;
comment on column segments.runs.dropped_at is
'when the assignments of its date were dropped (retention); empty: they are there, or it never published';

create or replace view segments.stale_dates as
with published as (
    select distinct on (as_of_date)
        as_of_date,
        run_id,
        parent_run_id,
        published_at,
        facts_seen,
        dropped_at is null as is_kept
    from segments.runs
    where status = 'published'
    order by as_of_date asc, published_at desc
),

chained as (
    select
        p.*,
        lag(p.run_id) over (order by p.as_of_date) as parent_now,
        lag(p.as_of_date) over (order by p.as_of_date) as parent_date_now,
        lag(p.published_at) over (order by p.as_of_date) as parent_published_at,
        (
            select k.run_id
            from published as k
            where k.as_of_date < p.as_of_date and k.is_kept
            order by k.as_of_date desc
            limit 1
        ) as kept_parent
    from published as p
),

changed as (
    select
        p.as_of_date,
        min(c.noted_at) as since,
        min(c.day) as first_day,
        count(distinct c.day) as days,
        string_agg(distinct c.table_name, ', ' order by c.table_name) as table_names
    from published as p
    inner join core.changed_days as c on p.as_of_date > c.day and p.facts_seen < c.change_id
    group by p.as_of_date
),

reasons as (
    select
        ch.as_of_date,
        ch.parent_published_at,
        changed.since as changed_at,
        'facts of ' || changed.first_day
        || case when changed.days > 1 then ' and of later days (' || changed.days || ' days)' else '' end
        || ' changed: ' || changed.table_names as of_facts,
        ch.parent_date_now || case
            when was.as_of_date = ch.parent_date_now then ', which it follows, was published again'
            else ', which it follows now, was published since'
        end as of_parent,
        -- a date that was run again after the one before it was dropped follows the newest that is kept
        coalesce(
            ch.parent_run_id not in (ch.parent_now, coalesce(ch.kept_parent, ch.parent_now)),
            ch.parent_run_id is not null or ch.parent_now is not null
        ) as is_parent_another
    from chained as ch
    left join changed on ch.as_of_date = changed.as_of_date
    left join segments.runs as was on ch.parent_run_id = was.run_id
    where ch.is_kept
)

select
    as_of_date,
    concat_ws(
        '; ',
        case when changed_at is not null then of_facts end,
        case when is_parent_another then of_parent end
    ) as why,
    least(changed_at, case when is_parent_another then parent_published_at end) as since
from reasons
where changed_at is not null or is_parent_another;
