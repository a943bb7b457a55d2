-- Purpose: who looked at customers in the UI, when, and at how many; never at whom.
-- Grain: look, list or file. Inputs: none. Re-run: once, by the migration.
create table operations.access_log (
    at timestamptz not null default now(),
    who text not null,
    what text not null check (what in ('look-up', 'list', 'export')),
    as_of_date date,
    segment_id integer,
    customers integer not null check (customers >= 0)
);
create index on operations.access_log (at);
comment on table operations.access_log is 'who looked at customers in the UI, when, and at how many';
comment on column operations.access_log.at is 'when';
comment on column operations.access_log.who is 'the user of Airflow';
comment on column operations.access_log.what is 'look-up of one customer, page of a list, or export of a file';
comment on column operations.access_log.as_of_date is
'the published date that was looked at; null: the newest, on which nobody was found';
comment on column operations.access_log.segment_id is 'the segment; null where a customer was not found';
comment on column operations.access_log.customers is 'how many customers were shown';
