-- Purpose: ids of segments once came from a sequence; now they are counted, so that a failed night uses up none.
drop sequence if exists segments.segment_id_seq;
