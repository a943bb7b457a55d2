-- Purpose: whether a run searched for a model, or let the one in use label everybody.
-- Grain: run. Part of the thirteenth migration.

alter table segments.runs
add column searched boolean,
add column search_reason text;

comment on column segments.runs.searched is
'candidates were fitted and compared; false: the model of the parent date labelled everybody';
comment on column segments.runs.search_reason is
'why the run searched for a model, or did not: what was asked for, the age of the last search, drift, growth';
