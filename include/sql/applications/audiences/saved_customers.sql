-- Purpose: customers of a saved audience on a date, with what a list of them shows.
-- Grain: customer. Inputs: segments.customer_segments and features.customer_features of the date.
-- Parameters: as_of_date, segment_ids (empty: all), low_0, high_0, ... of the conditions, limit, offset;
--     identifiers: conditions (on features, f), ordering. Read only.
-- Caveat: who has no value of a feature that is asked for is not in the audience.
select
    cs.customer_id,
    cs.segment_id,
    cs.confidence::double precision as confidence,
    f.spend_365d::double precision as spend_365d,
    f.recency_days::double precision as recency_days,
    f.frequency_orders::double precision as frequency_orders
from segments.customer_segments as cs
left join features.customer_features as f
    on f.as_of_date = %(as_of_date)s and cs.customer_id = f.customer_id
where
    cs.as_of_date = %(as_of_date)s
    and (cardinality(%(segment_ids)s::integer[]) = 0 or cs.segment_id = any(%(segment_ids)s::integer[]))  -- noqa: RF02
    and {{ conditions }}
order by {{ ordering }}  -- noqa: RF02
limit %(limit)s offset %(offset)s
