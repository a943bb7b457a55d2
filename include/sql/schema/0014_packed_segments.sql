-- Purpose: who is in which segment, in a byte a customer, so that the page compares any two dates at once.
-- Grain: customer; date. Part of the fourteenth migration.
-- Caveat: dates that are published already are packed by the weekly maintenance.

create table segments.customer_numbers (
    customer_id text collate "C" primary key,
    -- of a sequence: the number of somebody who was erased is never another's
    customer_number integer generated always as identity unique
);
comment on table segments.customer_numbers is
'the place of each customer in the bytes of packed_segments, for good; for the page in the UI';
comment on column segments.customer_numbers.customer_id is 'the id of the customer in the shop';
comment on column segments.customer_numbers.customer_number is 'from 1, with gaps; the order has no meaning';

create table segments.packed_segments (
    as_of_date date primary key,
    run_id text not null,
    segment_ids integer[] not null,
    places bytea not null
);
comment on table segments.packed_segments is
'customer_segments of a date in a byte a customer: what the page in the UI compares two dates by; it goes '
'when the assignments of the date go';
comment on column segments.packed_segments.as_of_date is 'facts before this date count';
comment on column segments.packed_segments.run_id is 'the run that published the date';
comment on column segments.packed_segments.segment_ids is 'the segments of the date';
comment on column segments.packed_segments.places is
'byte n is of customer_number n: the place of the customer''s segment in segment_ids, from 1; 0: not there';
