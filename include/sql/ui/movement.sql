-- Purpose: who moved between any two dates.
-- Grain: from, to; from null: not there at the first date; to null: no longer there at the second.
-- Inputs: segments.customer_segments, one partition of each date. Parameters: first, second. Read only.
-- Caveat: reads both partitions, a second for a million customers. It is for dates of older versions, which
--     have no bytes; the others are compared by packed_assignments.compare.
with before as (
    select
        customer_id,
        segment_id
    from segments.customer_segments
    where as_of_date = %(first)s
),

after as (
    select
        customer_id,
        segment_id
    from segments.customer_segments
    where as_of_date = %(second)s
)

select
    before.segment_id as from_segment_id,
    after.segment_id as to_segment_id,
    count(*) as customers
from before
full join after on before.customer_id = after.customer_id
group by before.segment_id, after.segment_id
order by customers desc, from_segment_id nulls last, to_segment_id nulls last
