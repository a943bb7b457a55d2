-- Purpose: in which segment a customer was on the newest published dates up to one.
-- Grain: date. Inputs: segments.customer_segments by its key, segments.segment_versions, names by people.
-- Parameters: customer_id, since, as_of_date (both included). Read only.
select
    cs.as_of_date,
    cs.segment_id,
    coalesce(o.name, sv.generated_name, sv.name) as name,
    cs.confidence::double precision as confidence,
    cs.is_outlier,
    cs.days_in_segment,
    cs.previous_segment_id
from segments.customer_segments as cs
inner join segments.segment_versions as sv
    on cs.as_of_date = sv.as_of_date and cs.segment_id = sv.segment_id
left join segments.segment_name_overrides as o
    on cs.segment_id = o.segment_id
where
    cs.customer_id = %(customer_id)s
    and cs.as_of_date between %(since)s and %(as_of_date)s
order by cs.as_of_date desc
