-- Purpose: ids of segments once came from a sequence; they are counted now, and a failed night uses up none.
drop sequence if exists segments.segment_id_seq;
