-- Purpose: which entry of the vocabulary (include/config/segment_names.yaml) a segment is named by.
-- Grain: none. Inputs: segments.segment_versions. Re-run: once, by the migration.
alter table segments.segment_versions add column vocabulary text;

comment on column segments.segment_versions.vocabulary is
'entry of include/config/segment_names.yaml that it is named by; null: by value tier and life-cycle';
comment on column segments.segment_versions.trait is
'what the name says beside its beginning: a feature, + for far above everybody, - for far below, > or < for more '
'or less than in the segments whose names begin so; two by a comma';
comment on column segments.segment_versions.name_number is
'above 1 where no trait tells two segments apart';
