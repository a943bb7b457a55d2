-- Purpose: what makes segments usable: lineage, names that stay, rules, movement, products, habits, playbook.
-- Grain: see the comments. Part of a migration of its own.

------------------------------------------------------------------------------------ identity and lineage

alter table segments.segments
add column given_on date,
add column origin text check (origin in ('appear', 'split', 'merge')),
add column ended_on date,
add column successors integer[] not null default '{}',
add column sketch bigint[] not null default '{}';

update segments.segments
set
    given_on = first_seen,
    origin = case when cardinality(parents) = 0 then 'appear' else 'split' end;

alter table segments.segments
alter column given_on set not null,
alter column origin set not null;
create index segments_given_on on segments.segments (given_on);

comment on column segments.segments.given_on is
'the as-of date that gave the id; it never changes, and no other date gives the id to anything else';
comment on column segments.segments.origin is
'how it came about: appear (of customers from everywhere, or of new ones), split, merge';
comment on column segments.segments.ended_on is
'the published date on which it was no longer there; empty: it is there';
comment on column segments.segments.successors is
'the segments that took in most of its customers when it ended';
comment on column segments.segments.sketch is
'the smallest hashes of its first customers: by these its date, run again, knows it again';

create table segments.segment_events (
    as_of_date date not null,
    segment_id integer not null,
    run_id text not null,
    event text not null check (event in ('survive', 'split', 'merge', 'appear', 'vanish')),
    parents integer[] not null,
    successors integer[] not null,
    customers integer not null,
    customers_before integer not null,
    customers_stayed integer not null,
    primary key (as_of_date, segment_id)
);
comment on table segments.segment_events is
'what became of each segment since the parent date; a vanished segment has its last row here';
comment on column segments.segment_events.as_of_date is 'the published date';
comment on column segments.segment_events.segment_id is 'permanent id';
comment on column segments.segment_events.run_id is 'the run that published the row';
comment on column segments.segment_events.event is
'survive: goes on; split: one of the parts of a segment; merge: made of most of several; appear; vanish';
comment on column segments.segment_events.parents is
'segments of the parent date that at least a quarter of its known customers were in';
comment on column segments.segment_events.successors is
'segments of this date that took in at least a quarter of those customers that are still there';
comment on column segments.segment_events.customers is 'customers on this date; 0 when it vanished';
comment on column segments.segment_events.customers_before is 'customers on the parent date; 0: it is new';
comment on column segments.segment_events.customers_stayed is 'customers who were in it on both dates';

------------------------------------------------------------------------------------------------ movement

alter table segments.customer_segments add column days_in_segment integer not null default 0;
comment on column segments.customer_segments.days_in_segment is
'days since the published date on which the customer came into the segment, without leaving it; 0: just came';

alter table segments.segment_migrations add column parent_as_of_date date;
update segments.segment_migrations as m
set parent_as_of_date = r.parent_as_of_date
from segments.runs as r
where m.run_id = r.run_id;
comment on column segments.segment_migrations.parent_as_of_date is 'the date that from_segment_id is of';

create view segments.segment_flows as
with moves as (
    select
        m.as_of_date,
        m.from_segment_id,
        m.to_segment_id,
        m.customers,
        m.revenue_365d,
        coalesce(t.lifecycle = 'lapsed' and f.lifecycle <> 'lapsed', false) as is_lapse
    from segments.segment_migrations as m
    left join segments.segment_versions as t
        on m.as_of_date = t.as_of_date and m.to_segment_id = t.segment_id
    left join segments.segment_versions as f
        on m.parent_as_of_date = f.as_of_date and m.from_segment_id = f.segment_id
    where m.from_segment_id is distinct from m.to_segment_id
),

sides as (
    select
        as_of_date,
        to_segment_id as segment_id,
        case when from_segment_id is null then customers else 0 end as entries,
        case when from_segment_id is null then 0 else customers end as moved_in,
        0 as moved_out,
        0 as lapsed,
        0 as gone,
        customers as net_customers,
        revenue_365d as net_revenue_365d
    from moves
    where to_segment_id is not null
    union all
    select
        as_of_date,
        from_segment_id as segment_id,
        0 as entries,
        0 as moved_in,
        case when to_segment_id is null or is_lapse then 0 else customers end as moved_out,
        case when is_lapse then customers else 0 end as lapsed,
        case when to_segment_id is null then customers else 0 end as gone,
        -customers as net_customers,
        -revenue_365d as net_revenue_365d
    from moves
    where from_segment_id is not null
),

windows as (
    select
        d.as_of_date,
        w.window_days
    from (select distinct as_of_date from segments.segment_versions) as d
    cross join (values (7), (30), (90)) as w (window_days)
),

asked as (
    select
        w.as_of_date,
        w.window_days,
        v.segment_id
    from windows as w
    inner join segments.segment_versions as v on w.as_of_date = v.as_of_date
    union
    select
        w.as_of_date,
        w.window_days,
        s.segment_id
    from windows as w
    inner join sides as s
        on s.as_of_date > w.as_of_date - w.window_days and w.as_of_date >= s.as_of_date
)

select
    a.as_of_date,
    a.window_days,
    a.segment_id,
    coalesce(sum(s.entries), 0)::integer as entries,
    coalesce(sum(s.moved_in), 0)::integer as moved_in,
    coalesce(sum(s.moved_out), 0)::integer as moved_out,
    coalesce(sum(s.lapsed), 0)::integer as lapsed,
    coalesce(sum(s.gone), 0)::integer as gone,
    coalesce(sum(s.net_customers), 0)::integer as net_customers,
    coalesce(sum(s.net_revenue_365d), 0) as net_revenue_365d
from asked as a
left join sides as s
    on
        a.segment_id = s.segment_id
        and s.as_of_date > a.as_of_date - a.window_days
        and a.as_of_date >= s.as_of_date
group by a.as_of_date, a.window_days, a.segment_id;

comment on view segments.segment_flows is
'who came and went in the last 7, 30 and 90 days of each published date: sums of segment_migrations';
comment on column segments.segment_flows.as_of_date is 'the published date';
comment on column segments.segment_flows.window_days is '7, 30 or 90: how many days back moves are counted';
comment on column segments.segment_flows.segment_id is 'permanent id; one that vanished since has a row';
comment on column segments.segment_flows.entries is 'customers who are new: not there at the parent date';
comment on column segments.segment_flows.moved_in is 'customers who came from another segment';
comment on column segments.segment_flows.moved_out is 'customers who went to another one, without lapsing';
comment on column segments.segment_flows.lapsed is
'exits: customers who went from a segment that is not lapsed to one that is';
comment on column segments.segment_flows.gone is
'customers who are no longer there: erased, or all their orders cancelled';
comment on column segments.segment_flows.net_customers is
'entries + moved_in - moved_out - lapsed - gone';
comment on column segments.segment_flows.net_revenue_365d is
'the same net in currency units: spend in the 365 days before the date of each move';

--------------------------------------------------------------------------------- names and explanation

alter table segments.segment_versions
add column generated_name text,
add column trait text,
add column traits text[] not null default '{}',
add column name_number integer not null default 1,
add column rule_precision double precision,
add column rule_recall double precision;

comment on column segments.segment_versions.generated_name is
'the name made from the profile; name is the same, or what a marketer has put in segment_name_overrides';
comment on column segments.segment_versions.trait is
'what the name says beside value and life-cycle: a feature, + for far above everybody, - for far below';
comment on column segments.segment_versions.traits is
'what sets it apart, the most first: features with + (far above everybody) or - (far below)';
comment on column segments.segment_versions.name_number is
'above 1 where value, life-cycle and traits do not tell two segments apart';
comment on column segments.segment_versions.rule_precision is
'share of the customers its rules describe who are in it';
comment on column segments.segment_versions.rule_recall is
'share of its customers whom its rules describe';

alter table segments.runs add column rule_fidelity double precision;
comment on column segments.runs.rule_fidelity is
'share of all customers for whom the rules (assign_by_rule) give the segment that the model gives';

create table segments.segment_name_overrides (
    segment_id integer primary key references segments.segments (segment_id),
    name text not null unique check (btrim(name) <> '' and char_length(name) <= 120),
    description text,
    set_by text not null default current_user,
    set_at timestamptz not null default now()
);
comment on table segments.segment_name_overrides is
'names given by people, for good: insert a row here, and every reader sees it at once';
comment on column segments.segment_name_overrides.segment_id is 'permanent id';
comment on column segments.segment_name_overrides.name is 'the name to use';
comment on column segments.segment_name_overrides.description is
'a sentence instead of the generated one; may be empty';
comment on column segments.segment_name_overrides.set_by is 'who';
comment on column segments.segment_name_overrides.set_at is 'when';

create table segments.segment_rules (
    as_of_date date not null,
    segment_id integer not null,
    rule_number integer not null,
    run_id text not null,
    rule text not null,
    condition text not null,
    customers integer not null,
    rule_precision double precision not null,
    rule_recall double precision not null,
    primary key (as_of_date, segment_id, rule_number)
);
comment on table segments.segment_rules is
'the one or two rules of each segment, in natural units: the leaves of the explaining tree; no two overlap';
comment on column segments.segment_rules.as_of_date is 'the published date';
comment on column segments.segment_rules.segment_id is 'permanent id';
comment on column segments.segment_rules.rule_number is '1: the rule that describes most of its customers';
comment on column segments.segment_rules.run_id is 'the run that published the row';
comment on column segments.segment_rules.rule is 'for people: recency_days <= 35 and spend_365d > 410';
comment on column segments.segment_rules.condition is
'the same as an SQL condition on the columns of features.customer_features';
comment on column segments.segment_rules.customers is 'customers of the date whom the rule describes';
comment on column segments.segment_rules.rule_precision is 'share of them who are in the segment';
comment on column segments.segment_rules.rule_recall is 'share of the customers of the segment in it';

create function segments.segment_by_rule(customer jsonb) returns integer
language sql stable
return null::integer;
comment on function segments.segment_by_rule(jsonb) is
'the segment by the rules of the newest date, of anybody: segment_by_rule(''{"recency_days": 3}'')';

create view segments.assign_by_rule as
select
    null::date as as_of_date,
    null::text collate "C" as customer_id,
    null::integer as segment_id,
    null::text as name,
    null::boolean as is_new
where false;
comment on view segments.assign_by_rule is
'the segment of every customer by the rules of the newest published date, in SQL alone; '
'customers who came after it too';
comment on column segments.assign_by_rule.as_of_date is 'the newest published date, whose rules these are';
comment on column segments.assign_by_rule.customer_id is 'the id of the customer in the shop';
comment on column segments.assign_by_rule.segment_id is 'the segment that the rules give';
comment on column segments.assign_by_rule.name is 'its name';
comment on column segments.assign_by_rule.is_new is
'the customer came after the newest published date: features are computed from core as of now';

alter table segments.segment_profiles
add column effect double precision,
add column direction text check (direction in ('higher', 'lower', 'alike')),
add column mean_all double precision,
add column median_all double precision;

-- what the column holds has changed: it was the absolute effect
update segments.segment_profiles set importance = null;

comment on column segments.segment_profiles.importance is
'how much less well the segment is recognised (loss of F1, 0..1) when the feature is shuffled';
comment on column segments.segment_profiles.effect is
'(mean - mean of everybody) / standard deviation of everybody; heavy tails on a log scale';
comment on column segments.segment_profiles.direction is
'higher or lower than everybody; alike: within 0.1 standard deviations';
comment on column segments.segment_profiles.mean_all is 'mean of everybody, in the unit of the feature';
comment on column segments.segment_profiles.median_all is 'median of everybody, in the unit of the feature';

------------------------------------------------------------------------------- for the systems that read

create table segments.segment_products (
    as_of_date date not null,
    segment_id integer not null,
    product_id text collate "C" not null,
    run_id text not null,
    rank integer not null,
    category text,
    customers integer not null,
    support double precision not null,
    support_others double precision not null,
    lift double precision not null,
    primary key (as_of_date, segment_id, product_id)
);
comment on table segments.segment_products is
'what each segment buys more than the others, for recommendation, in the last days (setting products.days)';
comment on column segments.segment_products.as_of_date is 'the published date';
comment on column segments.segment_products.segment_id is 'permanent id';
comment on column segments.segment_products.product_id is 'the id of the product in the shop';
comment on column segments.segment_products.run_id is 'the run that published the row';
comment on column segments.segment_products.rank is
'1: sets the segment apart most, by support x ln(lift); equals share a rank, and none of them is cut off';
comment on column segments.segment_products.category is 'its category, as most of its lines have it';
comment on column segments.segment_products.customers is 'customers of the segment who bought it';
comment on column segments.segment_products.support is 'share of the customers of the segment who bought it';
comment on column segments.segment_products.support_others is 'share of all other customers who bought it';
comment on column segments.segment_products.lift is
'support / share of all customers who bought it; above 1, or the row is not here';

create table segments.segment_habits (
    as_of_date date not null,
    segment_id integer not null,
    habit text not null check (habit in ('hour', 'weekday', 'channel')),
    value text collate "C" not null,
    run_id text not null,
    orders integer not null,
    share double precision not null,
    share_all double precision not null,
    primary key (as_of_date, segment_id, habit, value)
);
comment on table segments.segment_habits is
'when and where each segment buys: its orders by hour, weekday and channel (setting habits.days)';
comment on column segments.segment_habits.as_of_date is 'the published date';
comment on column segments.segment_habits.segment_id is 'permanent id';
comment on column segments.segment_habits.habit is 'hour, weekday or channel';
comment on column segments.segment_habits.value is
'hour 00..23 in the time zone of the shop; weekday 1 (Monday) .. 7; channel as the shop says it';
comment on column segments.segment_habits.run_id is 'the run that published the row';
comment on column segments.segment_habits.orders is 'orders of the customers of the segment';
comment on column segments.segment_habits.share is 'share of the orders of the segment';
comment on column segments.segment_habits.share_all is 'share of the orders of everybody';

create table segments.segment_playbook (
    as_of_date date not null,
    segment_id integer not null,
    priority integer not null,
    run_id text not null,
    play text not null,
    title text not null,
    advice text not null,
    reason text not null,
    primary key (as_of_date, segment_id, priority)
);
comment on table segments.segment_playbook is
'what one might do with each segment, by the rules of include/config/playbook.yaml';
comment on column segments.segment_playbook.as_of_date is 'the published date';
comment on column segments.segment_playbook.segment_id is 'permanent id';
comment on column segments.segment_playbook.priority is '1: the play to begin with';
comment on column segments.segment_playbook.run_id is 'the run that published the row';
comment on column segments.segment_playbook.play is
'key of the play: win_back, reward, upsell, onboard, leave_alone';
comment on column segments.segment_playbook.title is 'the play in two words, in the language of the settings';
comment on column segments.segment_playbook.advice is 'what to do, in the language of the settings';
comment on column segments.segment_playbook.reason is 'which facts of the segment called for it';

-- a name or sentence that a person has given is what readers see at once
create or replace view segments.current_customer_segments as
with newest as (
    select max(as_of_date) as as_of_date
    from segments.runs
    where status = 'published'
)

select
    cs.as_of_date,
    cs.customer_id,
    cs.segment_id,
    coalesce(o.name, sv.generated_name, sv.name) as name,
    sv.value_tier,
    sv.lifecycle,
    cs.confidence,
    cs.is_outlier,
    cs.previous_segment_id,
    cs.run_id,
    cs.days_in_segment
from segments.customer_segments as cs
inner join newest on cs.as_of_date = newest.as_of_date
inner join segments.segment_versions as sv
    on cs.as_of_date = sv.as_of_date and cs.segment_id = sv.segment_id
left join segments.segment_name_overrides as o on cs.segment_id = o.segment_id;
comment on column segments.current_customer_segments.days_in_segment is
'days since the customer came into the segment, without leaving it';

--------------------------------------------------------------------------------------------------- reader

-- Roles belong to the server: whoever migrates may be unable to make one, and another warehouse of the same
-- server may have made it. docs/production.md has the same statements for a superuser.
do $$
begin
    begin
        create role reader nologin;
    exception
        when duplicate_object or unique_violation or insufficient_privilege then null;
    end;
    if exists (select from pg_roles where rolname = 'reader') then
        grant usage on schema segments to reader;
        grant select on all tables in schema segments to reader;
        alter default privileges in schema segments grant select on tables to reader;
    end if;
end
$$
