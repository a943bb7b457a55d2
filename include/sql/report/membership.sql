-- Purpose: how clearly the customers of a date are inside their segments.
-- Grain: segment. Inputs: segments.customer_segments, one partition.
-- Parameters: as_of_date. Read only.
select
    segment_id,
    count(*) filter (where is_outlier) as outliers,
    avg(confidence)::double precision as confidence
from segments.customer_segments
where as_of_date = %(as_of_date)s
group by segment_id
order by segment_id
