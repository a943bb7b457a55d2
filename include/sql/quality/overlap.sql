-- Purpose: how the clusters of a staged assignment overlap with the segments of the parent date.
-- Grain: cluster and segment of the parent.
-- Inputs: the staged table, segments.customer_segments. Parameters: parent_as_of_date; identifier: staged.
-- Re-run: reads only.
select
    s.cluster,
    p.segment_id,
    count(*) as customers
from {{ staged }} as s
inner join segments.customer_segments as p on s.customer_id = p.customer_id
where p.as_of_date = %(parent_as_of_date)s and s.cluster is not null
group by s.cluster, p.segment_id
order by s.cluster, p.segment_id
