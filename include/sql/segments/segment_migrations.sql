-- Purpose: how many customers, with what spend of the last 365 days, went from which segment to which.
-- Grain: as_of_date, from, to; from null: not there at the parent date; to null: no longer there.
-- Inputs: the staged partition, the parent date, features.customer_features of both dates.
-- Parameters: as_of_date, parent_as_of_date, run_id; identifiers: table. The date's rows were deleted before.
-- Caveat: the revenue of those who left is that of the parent date.
insert into segments.segment_migrations
(as_of_date, parent_as_of_date, from_segment_id, to_segment_id, run_id, customers, revenue_365d)
with now_there as (
    select
        t.customer_id,
        t.segment_id,
        f.spend_365d
    from {{ table }} as t
    left join features.customer_features as f
        on t.customer_id = f.customer_id and f.as_of_date = %(as_of_date)s
),

before as (
    select
        cs.customer_id,
        cs.segment_id,
        f.spend_365d
    from segments.customer_segments as cs
    left join features.customer_features as f
        on cs.customer_id = f.customer_id and f.as_of_date = %(parent_as_of_date)s
    where cs.as_of_date = %(parent_as_of_date)s
)

select
    %(as_of_date)s,
    %(parent_as_of_date)s,
    b.segment_id as from_segment_id,
    n.segment_id as to_segment_id,
    %(run_id)s,
    count(*),
    coalesce(sum(round(coalesce(n.spend_365d, b.spend_365d)::numeric, 2)), 0)
from now_there as n
full join before as b on n.customer_id = b.customer_id
group by b.segment_id, n.segment_id
