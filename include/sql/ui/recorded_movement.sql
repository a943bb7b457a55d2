-- Purpose: who moved between a date and its parent, as it was recorded with the publication.
-- Grain: from, to. Inputs: segments.segment_migrations. Parameters: as_of_date, run_id. Read only.
select
    from_segment_id,
    to_segment_id,
    customers,
    revenue_365d
from segments.segment_migrations
where as_of_date = %(as_of_date)s and run_id = %(run_id)s
order by customers desc, from_segment_id nulls last, to_segment_id nulls last
