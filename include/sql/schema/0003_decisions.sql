-- Purpose: who decided about a held night, when, and what it was that was held.
-- Grain: run. Part of a migration of its own.

alter table segments.runs
add column held jsonb,
add column decided_by text,
add column decided_at timestamptz,
add column decision_note text;

comment on column segments.runs.held is
'why the run was held: the share that would change segment, its bound, the from-to matrix, a checksum';
comment on column segments.runs.decided_by is 'who released or rejected the held run';
comment on column segments.runs.decided_at is 'when the held run was released or rejected';
comment on column segments.runs.decision_note is 'what was said about the decision';
