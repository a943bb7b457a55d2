-- Purpose: what somebody was told, or should have been: one row an incident and kind of alert.
-- Grain: incident, kind. Part of the second migration.
-- Caveat: the text is what was sent; no value of a customer is in it.

create table quality.alerts (
    incident text not null,
    kind text not null check (kind in ('gate', 'task', 'late', 'held', 'no_data', 'recovered')),
    as_of_date date not null,
    run_id text,
    at timestamptz not null default now(),
    delivered boolean,
    error text,
    text text not null,
    recovered_at timestamptz,
    recovered_by text,
    primary key (incident, kind)
);
create index alerts_as_of_date on quality.alerts (as_of_date);

comment on table quality.alerts is
'alerts: one an incident, which is the failure of one run of one date; and the news that it is over';
comment on column quality.alerts.incident is
'what the alert is about: the as-of date and the run (the DAG run, where none was registered)';
comment on column quality.alerts.kind is
'gate, task, late, held, no_data, or recovered: the date was published after all';
comment on column quality.alerts.as_of_date is 'the date whose segments were to be published';
comment on column quality.alerts.run_id is 'the run in segments.runs; empty when none was registered';
comment on column quality.alerts.at is 'when somebody was to be told';
comment on column quality.alerts.delivered is
'whether a receiver took it; empty while it is under way';
comment on column quality.alerts.error is
'why some receiver did not get it, without secrets; a missing connection is said here too';
comment on column quality.alerts.text is 'title and body as sent';
comment on column quality.alerts.recovered_at is 'when the date was published after all';
comment on column quality.alerts.recovered_by is 'the run that published it';
