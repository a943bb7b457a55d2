-- Purpose: how many customers each staged cluster shares with each segment of the parent date.
-- Grain: cluster and segment. Inputs: the staged assignment, segments.customer_segments of the parent date.
-- Parameters: parent_as_of_date; identifiers: assignments. Read only.
select
    a.cluster,
    cs.segment_id,
    count(*) as customers
from {{ assignments }} as a
inner join segments.customer_segments as cs
    on a.customer_id = cs.customer_id
where cs.as_of_date = %(parent_as_of_date)s
group by a.cluster, cs.segment_id
order by a.cluster, cs.segment_id
