-- Purpose: what late rows change in published dates, and what a run has of the days that another one read.
-- Grain: see each table. Part of the seventh migration.

alter table staging.loads add column rolled_up_at timestamptz;
comment on column staging.loads.rolled_up_at is 'when its days were clean and rolled up; empty: not yet';

create table core.day_checksums (
    table_name text not null,
    day date not null,
    row_count bigint not null,
    checksum numeric not null,
    primary key (table_name, day)
);
comment on table core.day_checksums is
'what features may read of the facts of a day, as a checksum: a day read again is the same, or has changed';
comment on column core.day_checksums.table_name is
'customers, orders, cancellations (a fact of the day they happen on), order_items, events or reviews';
comment on column core.day_checksums.day is 'day of the shop';
comment on column core.day_checksums.row_count is 'facts of the day';
comment on column core.day_checksums.checksum is 'sum of the hashes of its facts';

create table core.changed_days (
    change_id bigint generated always as identity primary key,
    table_name text not null,
    day date not null,
    run_id text not null,
    rows_before bigint not null,
    rows_after bigint not null,
    noted_at timestamptz not null default now()
);
create index on core.changed_days (day);
comment on table core.changed_days is
'days whose facts changed after they had been loaded: late, corrected, erased or released rows';
comment on column core.changed_days.change_id is 'number of the change; later ones are higher';
comment on column core.changed_days.table_name is 'kind of fact, as in core.day_checksums';
comment on column core.changed_days.day is 'day of the shop';
comment on column core.changed_days.run_id is 'run that read the change';
comment on column core.changed_days.rows_before is 'facts of the day before';
comment on column core.changed_days.rows_after is 'and after';
comment on column core.changed_days.noted_at is 'when it was rolled up';

alter table segments.runs add column facts_seen bigint not null default 0;
comment on column segments.runs.facts_seen is
'the newest change (core.changed_days) that its features could know; later ones make the date stale';

create view segments.stale_dates as
with published as (
    select distinct on (as_of_date)
        as_of_date,
        run_id,
        parent_run_id,
        published_at,
        facts_seen
    from segments.runs
    where status = 'published'
    order by as_of_date asc, published_at desc
),

chained as (
    select
        p.*,
        lag(p.run_id) over (order by p.as_of_date) as parent_now,
        lag(p.as_of_date) over (order by p.as_of_date) as parent_date_now,
        lag(p.published_at) over (order by p.as_of_date) as parent_published_at
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
        coalesce(ch.parent_run_id <> ch.parent_now, ch.parent_run_id is not null or ch.parent_now is not null)
            as is_parent_another
    from chained as ch
    left join changed on ch.as_of_date = changed.as_of_date
    left join segments.runs as was on ch.parent_run_id = was.run_id
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

comment on view segments.stale_dates is
'published dates that might come out differently now; make stale runs them again in order';
comment on column segments.stale_dates.as_of_date is 'published date';
comment on column segments.stale_dates.why is
'which facts changed, or which date before it was published since';
comment on column segments.stale_dates.since is 'when it became so';
