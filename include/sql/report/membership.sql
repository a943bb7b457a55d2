-- Purpose: how many customers of a date fit nowhere well.
-- Grain: segment that has such customers. Inputs: segments.customer_segments, one partition.
-- Parameters: as_of_date. Read only.
select
    segment_id,
    count(*) as outliers
from segments.customer_segments
where as_of_date = %(as_of_date)s and is_outlier
group by segment_id
order by segment_id
