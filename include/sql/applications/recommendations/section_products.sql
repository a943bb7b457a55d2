-- Purpose: the first products of each segment, for report and page.
-- Grain: segment, rank. Inputs: segments.segment_recommendations, segment_versions.
-- Parameters: as_of_date, most: ranks. Read only.
select
    r.segment_id,
    v.name as segment,
    r.rank,
    r.product_id,
    r.name,
    r.category,
    r.customers,
    r.share,
    r.lift
from segments.segment_recommendations as r
inner join segments.segment_versions as v
    on r.as_of_date = v.as_of_date and r.segment_id = v.segment_id
where r.as_of_date = %(as_of_date)s and r.rank <= %(most)s
order by r.segment_id, r.rank
