-- Purpose: the customers of a segment are read without those of all others: publications write them segment by
-- segment, and a block index of some kilobytes says where each segment is.
-- Grain: customer; date. Part of a migration of its own.
-- Caveat: dates that were published before are in the order of ids; they are read as a whole, as they were.
create index customer_segments_where on segments.customer_segments using brin (segment_id)
with (pages_per_range = 32);
