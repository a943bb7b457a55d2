-- Purpose: what operators need: a date that was withdrawn, locks that no reader can take, rules that are read
-- from a table, so that no publication replaces a view.
-- Grain: see the comments. Part of the seventeenth migration.

------------------------------------------------------------------------------------- a date is withdrawn

alter table segments.runs drop constraint runs_status_check;
alter table segments.runs add constraint runs_status_check check (
    status in ('running', 'held', 'published', 'rejected', 'failed', 'no_data', 'withdrawn')
);
alter table segments.runs
add column withdrawn_by text,
add column withdrawn_at timestamptz,
add column withdrawn_note text,
add column ended_by text check (ended_by in ('timeout', 'killed', 'skipped'));
comment on column segments.runs.withdrawn_by is 'who took the published date back';
comment on column segments.runs.withdrawn_at is 'when the published date was taken back';
comment on column segments.runs.withdrawn_note is 'why it was taken back';
comment on column segments.runs.ended_by is
'what ended a failed run that did not end itself: timeout, killed (no sign of life), skipped by Airflow';

-- dates after one that was withdrawn follow another one now
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
        case
            when was.withdrawn_at is not null then was.as_of_date || ', which it followed, was withdrawn'
            when was.as_of_date = ch.parent_date_now
                then ch.parent_date_now || ', which it follows, was published again'
            else ch.parent_date_now || ', which it follows now, was published since'
        end as of_parent,
        was.withdrawn_at,
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
    least(
        changed_at,
        case when is_parent_another then coalesce(withdrawn_at, parent_published_at) end
    ) as since
from reasons
where changed_at is not null or is_parent_another;

---------------------------------------------------------------------------------------------------- locks

create schema operations;
comment on schema operations is 'what runs and commands keep each other out by; no reader has a right to it';
create table operations.locks (name text primary key);
comment on table operations.locks is
'what nights, publications and maintenance keep each other out by: a row each, locked until a transaction '
'ends; readers have no right to it, as they would have to advisory locks';
-- one that is shared has to be there before: a row that is being inserted is seen by nobody else
insert into operations.locks values
('segmentation days'),
('segmentation publication'),
('segmentation customer numbers'),
('segmentation alerts'),
('segmentation feature columns');

---------------------------------------------------------------------------------------------------- rules

alter table segments.customer_segments add column rule_segment_id integer;
comment on column segments.customer_segments.rule_segment_id is
'the segment that the rules of the date give, in SQL alone; empty: none, or published before it was kept';

-- the newest date as its rules have it now; older ones get it when they are run again
update segments.customer_segments as c
set rule_segment_id = segments.segment_by_rule(to_jsonb(f))
from features.customer_features as f
where
    c.as_of_date = (select max(r.as_of_date) from segments.runs as r where r.status = 'published')
    and c.as_of_date = f.as_of_date
    and c.customer_id = f.customer_id;

-- the first publication makes it, and a view needs one
do $$
begin
    if to_regprocedure('features.live(text, date)') is null then
        create function features.live(of_customer text, as_of_date date) returns jsonb
        language sql stable security definer
        set search_path = ''
        as 'select null::jsonb';
    end if;
end
$$;

create or replace view segments.assign_by_rule as
with arrived as (
    select distinct o.customer_id
    from core.orders as o
    where not exists (
        select from segments.customer_segments as c
        where
            c.as_of_date = (select max(r.as_of_date) from segments.runs as r where r.status = 'published')
            and c.customer_id = o.customer_id
    )
),

newest as (
    select max(as_of_date) as as_of_date
    from segments.runs
    where status = 'published'
),

today as (
    select
        newest.as_of_date as newest,
        greatest(newest.as_of_date, (select max(o.day) + 1 from core.orders as o)) as as_of_date
    from newest
    where newest.as_of_date is not null
),

assigned as (
    select
        c.customer_id,
        c.rule_segment_id as segment_id,
        false as is_new
    from segments.customer_segments as c
    where c.as_of_date = (select max(r.as_of_date) from segments.runs as r where r.status = 'published')
    union all
    select
        a.customer_id,
        segments.segment_by_rule(features.live(a.customer_id, t.as_of_date)) as segment_id,
        true as is_new
    from arrived as a
    cross join today as t
    where features.live(a.customer_id, t.as_of_date) is not null
)

select
    t.newest as as_of_date,
    s.customer_id,
    s.segment_id,
    coalesce(o.name, v.generated_name, v.name) as name,
    s.is_new
from assigned as s
cross join today as t
left join segments.segment_versions as v
    on t.newest = v.as_of_date and s.segment_id = v.segment_id
left join segments.segment_name_overrides as o on s.segment_id = o.segment_id;
