-- Purpose: how many customers of each segment are in a saved audience on a date, and their spend of a year.
-- Grain: segment. Inputs: segments.customer_segments and features.customer_features of the date.
-- Parameters: as_of_date, segment_ids (empty: all), low_0, high_0, ...; identifier: conditions (on
--     features, f). Read only.
select
    cs.segment_id,
    count(*)::integer as customers,
    coalesce(sum(f.spend_365d), 0)::double precision as revenue_365d
from segments.customer_segments as cs
left join features.customer_features as f
    on f.as_of_date = %(as_of_date)s and cs.customer_id = f.customer_id
where
    cs.as_of_date = %(as_of_date)s
    and (cardinality(%(segment_ids)s::integer[]) = 0 or cs.segment_id = any(%(segment_ids)s::integer[]))  -- noqa: RF02
    and {{ conditions }}
group by cs.segment_id
order by cs.segment_id
