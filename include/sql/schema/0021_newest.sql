-- Purpose: a look-up of the newest date costs the same with one published date and with a thousand, and locks
-- no other date. A view that asks for max(as_of_date) is planned over all partitions.
-- Grain: see the comments. Part of the twenty-first migration.
comment on schema operations is
'what runs and commands keep each other out by, and what the views of segments are made of; no reader has a '
'right to it';

-- replaced by each publication and withdrawal that changes it; -infinity: nothing is published
do $$
begin
    execute 'create function operations.newest_date() returns date '
        'language sql immutable parallel safe as $newest$select date '
        || (
            select quote_literal(coalesce(max(as_of_date), '-infinity'))
            from segments.runs where status = 'published'
        )
        || '$newest$';
end
$$;
comment on function operations.newest_date() is
'the newest published date, as a constant that the planner prunes partitions by; plans are made anew when it '
'is replaced. It is what was committed last, which a transaction that began before does not see: whoever reads '
'it compares it with segments.runs';

create function operations.assignments_if_not(planned date) returns setof segments.customer_segments
language plpgsql stable parallel safe security definer rows 10
set search_path = ''
as $$
declare
    newest date := (select max(as_of_date) from segments.runs where status = 'published');
begin
    if newest <> planned then
        return query execute
            'select * from segments.customer_segments where as_of_date = ' || quote_literal(newest);
    end if;
end
$$;
comment on function operations.assignments_if_not(date) is
'the assignments of the newest date that the transaction sees, where that is another one than its statement '
'was planned for: a snapshot that is older than the last publication';

-- Conditions and joins of readers reach the key of the partition because the first half has no condition and
-- the second one has: the planner takes the first apart, and cannot the other. `coalesce` is for its estimate:
-- half of the rows, where it would be one in two hundred of an equation with a date that it does not know.
create view operations.newest_assignments as
select
    a.as_of_date,
    a.customer_id,
    a.segment_id,
    a.confidence,
    a.is_outlier,
    a.previous_segment_id,
    a.run_id,
    a.days_in_segment,
    a.rule_segment_id
from (
    select
        c.as_of_date as planned,
        c.as_of_date,
        c.customer_id,
        c.segment_id,
        c.confidence,
        c.is_outlier,
        c.previous_segment_id,
        c.run_id,
        c.days_in_segment,
        c.rule_segment_id
    from segments.customer_segments as c
    union all
    select
        operations.newest_date() as planned,
        f.as_of_date,
        f.customer_id,
        f.segment_id,
        f.confidence,
        f.is_outlier,
        f.previous_segment_id,
        f.run_id,
        f.days_in_segment,
        f.rule_segment_id
    from operations.assignments_if_not(operations.newest_date()) as f
    where f.as_of_date is not null
) as a
where
    a.planned = operations.newest_date()
    and coalesce(
        a.as_of_date = (select max(r.as_of_date) from segments.runs as r where r.status = 'published'), false
    );
comment on view operations.newest_assignments is
'segments.customer_segments of the newest published date, planned for its partition alone';

create or replace view segments.current_customer_segments as
select
    a.as_of_date,
    a.customer_id,
    a.segment_id,
    coalesce(o.name, v.generated_name, v.name) as name,
    v.value_tier,
    v.lifecycle,
    a.confidence,
    a.is_outlier,
    a.previous_segment_id,
    a.run_id,
    a.days_in_segment
from operations.newest_assignments as a
left join segments.segment_versions as v
    on
        v.as_of_date = (select max(r.as_of_date) from segments.runs as r where r.status = 'published')
        and a.segment_id = v.segment_id
left join segments.segment_name_overrides as o on a.segment_id = o.segment_id;

create or replace view segments.assign_by_rule as
with today as (
    select
        n.as_of_date as newest,
        greatest(n.as_of_date, (select max(o.day) + 1 from core.orders as o)) as as_of_date
    from (select max(r.as_of_date) as as_of_date from segments.runs as r where r.status = 'published') as n
    where n.as_of_date is not null
),

arrived as (
    select distinct o.customer_id
    from core.orders as o
    where not exists (select from operations.newest_assignments as a where a.customer_id = o.customer_id)
),

assigned as (
    select
        a.as_of_date,
        a.customer_id,
        a.rule_segment_id as segment_id,
        false as is_new
    from operations.newest_assignments as a
    union all
    select
        t.newest as as_of_date,
        a.customer_id,
        segments.segment_by_rule(features.live(a.customer_id, t.as_of_date)) as segment_id,
        true as is_new
    from arrived as a
    cross join today as t
    where features.live(a.customer_id, t.as_of_date) is not null
)

select
    s.as_of_date,
    s.customer_id,
    s.segment_id,
    coalesce(o.name, v.generated_name, v.name) as name,
    s.is_new
from assigned as s
left join segments.segment_versions as v
    on
        v.as_of_date = (select max(r.as_of_date) from segments.runs as r where r.status = 'published')
        and s.segment_id = v.segment_id
left join segments.segment_name_overrides as o on s.segment_id = o.segment_id;
