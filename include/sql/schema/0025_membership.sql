-- Purpose: who was in which segment from when to when, and what changed on each date: for systems that follow.
-- Grain: see the comments. Part of the migration of the same number.
-- Caveat: dates that were published before are taken in by the next publication.

create table segments.membership (
    customer_id text collate "C" not null,
    segment_id integer not null,
    valid_from date not null,
    valid_to date not null,
    primary key (customer_id, valid_from),
    check (valid_from < valid_to)
);
create index membership_valid_from on segments.membership (valid_from);
create index membership_valid_to on segments.membership (valid_to);
comment on table segments.membership is
'who was in which segment from when to when: on a published date D the rows with valid_from <= D < valid_to '
'are segments.customer_segments of D; between two published dates the earlier one goes on';
comment on column segments.membership.customer_id is 'the id of the customer in the shop';
comment on column segments.membership.segment_id is 'permanent id';
comment on column segments.membership.valid_from is 'the published date on which the customer came into it';
comment on column segments.membership.valid_to is
'the published date on which the customer was no longer in it; infinity: still there';

create table segments.membership_dates (
    as_of_date date primary key,
    version bigint generated always as identity,
    run_id text not null,
    is_published boolean not null,
    entered integer not null,
    gone integer not null,
    moved integer not null,
    changed_at timestamptz not null default clock_timestamp()
);
create unique index membership_dates_version on segments.membership_dates (version);
comment on table segments.membership_dates is
'the dates whose changes are in membership_changes; a date gets a new version whenever its changes may be others: '
'it was run again, withdrawn, or a date before it was';
comment on column segments.membership_dates.as_of_date is 'the published date';
comment on column segments.membership_dates.version is
'grows with every change: who has followed up to a version reads the dates with a higher one again';
comment on column segments.membership_dates.run_id is 'the run that published the date, or did so last';
comment on column segments.membership_dates.is_published is
'false: the date was withdrawn, and there are no changes of it';
comment on column segments.membership_dates.entered is 'customers who came, or came back';
comment on column segments.membership_dates.gone is 'customers who are in no segment any more';
comment on column segments.membership_dates.moved is 'customers who went from one segment to another';
comment on column segments.membership_dates.changed_at is 'when the version was given';

create view segments.membership_changes as
with changes as (
    select
        m.valid_from as as_of_date,
        m.customer_id,
        b.segment_id as from_segment_id,
        m.segment_id as to_segment_id
    from segments.membership as m
    left join segments.membership as b
        on m.customer_id = b.customer_id and m.valid_from = b.valid_to
    union all
    select
        m.valid_to as as_of_date,
        m.customer_id,
        m.segment_id as from_segment_id,
        null as to_segment_id
    from segments.membership as m
    where
        m.valid_to < 'infinity'
        and not exists (
            select from segments.membership as a
            where a.customer_id = m.customer_id and a.valid_from = m.valid_to
        )
)

select
    c.as_of_date,
    c.customer_id,
    c.from_segment_id,
    c.to_segment_id,
    case
        when c.to_segment_id is null then 'left'
        when c.from_segment_id is not null and r.decision <> 'keep' then 'refit'
        when c.from_segment_id is not null then 'moved'
        when exists (
            select from segments.membership as e
            where e.customer_id = c.customer_id and e.valid_from < c.as_of_date
        ) then 'returned'
        else 'entered'
    end as reason,
    d.run_id,
    md5(
        jsonb_build_array(
            c.as_of_date, c.customer_id, c.from_segment_id, c.to_segment_id
        )::text
    )::uuid as change_key
from changes as c
inner join segments.membership_dates as d on c.as_of_date = d.as_of_date
left join segments.runs as r on d.run_id = r.run_id;
comment on view segments.membership_changes is
'who came, went or moved on each published date, against the published date before it: a feed. A customer has '
'one row a date at most; a date that is run again has its changes as they are now';
comment on column segments.membership_changes.as_of_date is 'the published date';
comment on column segments.membership_changes.customer_id is 'the id of the customer in the shop';
comment on column segments.membership_changes.from_segment_id is
'the segment on the published date before; empty: in none';
comment on column segments.membership_changes.to_segment_id is 'the segment on this date; empty: in none';
comment on column segments.membership_changes.reason is
'entered: the first time; returned: was there before, and not on the last date; left: in no segment any more '
'(erased, or all orders cancelled); moved: another segment of the same model; refit: another segment, by a '
'new model';
comment on column segments.membership_changes.run_id is 'the run that published the date';
comment on column segments.membership_changes.change_key is
'the same for the same change, however often its date is run again: what was applied once is known by it';

create table operations.membership_webhook (
    version bigint primary key,
    as_of_date date not null,
    tries integer not null default 0,
    told_at timestamptz,
    fault text
);
comment on table operations.membership_webhook is
'which versions of segments.membership_dates were told to the webhook, and why others were not';
