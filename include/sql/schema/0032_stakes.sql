-- Purpose: which money a play is about, so that plays are ranked by it.
-- Grain: see the comments. Re-run: once, by the migration.
alter table segments.segment_playbook
add column stake text not null default 'expected' check (stake in ('expected', 'at_risk', 'none'));
comment on column segments.segment_playbook.stake is
'the money that it is about: expected of the segment, at_risk in it, or none';
