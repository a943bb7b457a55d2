-- Purpose: audiences that people saved: a filter over segments and features with a name. A campaign may be made
-- for one, and who looked at its customers is kept as it is of segments.
-- Grain: see the comments. Re-run: once, by the migration.
create table segments.saved_audiences (
    audience_id text collate "C" primary key check (audience_id ~ '^[a-z0-9][a-z0-9_-]{0,60}$'),
    name text not null unique,
    segment_ids integer[] not null default '{}',
    conditions jsonb not null default '[]' check (jsonb_typeof(conditions) = 'array'),
    note text,
    made_by text not null,
    made_at timestamptz not null default clock_timestamp(),
    counted_on date not null,
    customers integer not null check (customers >= 0),
    check (segment_ids <> '{}' or conditions <> '[]')
);
comment on table segments.saved_audiences is
'filters over segments and features with a name; who is in one is asked of a date, and kept nowhere';
comment on column segments.saved_audiences.audience_id is 'its name in addresses, files and campaigns';
comment on column segments.saved_audiences.name is 'its name for people';
comment on column segments.saved_audiences.segment_ids is
'customers of these segments; empty: of every segment';
comment on column segments.saved_audiences.conditions is
'all of them hold: feature, at_least, at_most (both included; null: no bound). Who has no value is not in it';
comment on column segments.saved_audiences.note is 'what it is for';
comment on column segments.saved_audiences.made_by is 'who saved it';
comment on column segments.saved_audiences.made_at is 'when it was saved';
comment on column segments.saved_audiences.counted_on is 'the published date on which it was counted then';
comment on column segments.saved_audiences.customers is 'customers in it on that date';

alter table segments.campaigns
add column audience_id text collate "C",
add column conditions jsonb not null default '[]';
comment on column segments.campaigns.audience_id is
'the saved audience that it was made for; null: whole segments. It may be gone by now';
comment on column segments.campaigns.conditions is
'the conditions of that audience as they were when the campaign was made';

alter table operations.access_log add column audience_id text;
comment on column operations.access_log.audience_id is 'the saved audience; null: a segment, or a customer';
