-- Purpose: the assignment of a date under permanent segment ids, into the partition of the date.
-- Grain: customer, for one as_of_date.
-- Inputs: the staged assignment (clusters), the parent date; features.customer_features of the date, for the
--     segment that the rules give.
-- Parameters: as_of_date, parent_as_of_date (may be null), run_id; clusters and, in the same order, their
--     segments; identifiers: table, assignments; cases: the rules of the date.
-- Re-run: the partition is emptied before, in the same transaction.
insert into {{ table }}
(
    as_of_date,
    customer_id,
    segment_id,
    confidence,
    is_outlier,
    previous_segment_id,
    days_in_segment,
    run_id,
    rule_segment_id
)
with ruled as (
    select
        f.customer_id,
        case {{ cases }} end as segment_id
    from features.customer_features as f
    where f.as_of_date = %(as_of_date)s
)

select
    %(as_of_date)s,
    a.customer_id,
    i.segment_id,
    a.confidence,
    a.is_outlier,
    before.segment_id as previous_segment_id,
    case
        when before.segment_id = i.segment_id
            then before.days_in_segment + (%(as_of_date)s::date - %(parent_as_of_date)s::date)
        else 0
    end as days_in_segment,
    %(run_id)s,
    r.segment_id as rule_segment_id
from {{ assignments }} as a
inner join unnest(%(clusters)s::integer[], %(segments)s::integer[]) as i (cluster, segment_id)
    on a.cluster = i.cluster
left join ruled as r on a.customer_id = r.customer_id
left join segments.customer_segments as before
    on a.customer_id = before.customer_id and before.as_of_date = %(parent_as_of_date)s
-- a list of a segment's customers then reads its part of the table and no other
order by i.segment_id, a.customer_id
