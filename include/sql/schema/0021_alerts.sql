-- Purpose: an alert of a date that was withdrawn is kept as the others are; it was refused.
-- Grain: incident, kind. Part of the twenty-first migration.
alter table quality.alerts drop constraint alerts_kind_check;
alter table quality.alerts add constraint alerts_kind_check check (
    kind in ('gate', 'task', 'late', 'held', 'no_data', 'recovered', 'withdrawn')
);
comment on column quality.alerts.kind is
'gate, task, late, held, no_data, withdrawn, and recovered, which ends it';
