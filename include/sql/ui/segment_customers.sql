-- Purpose: customers of a segment, with what a list of them shows: as a file, and of a date that is not packed.
-- Grain: customer. Inputs: segments.customer_segments and features.customer_features of the date.
-- Parameters: as_of_date, segment_id, which (all, arrived, outliers), limit, offset; identifier: ordering.
-- Read only.
select
    cs.customer_id,
    cs.confidence::double precision as confidence,
    cs.is_outlier,
    cs.previous_segment_id,
    cs.days_in_segment,
    f.spend_365d::double precision as spend_365d,
    f.recency_days::double precision as recency_days,
    f.frequency_orders::double precision as frequency_orders
from segments.customer_segments as cs
left join features.customer_features as f
    on f.as_of_date = %(as_of_date)s and cs.customer_id = f.customer_id
where
    cs.as_of_date = %(as_of_date)s
    and cs.segment_id = %(segment_id)s
    and (
        %(which)s = 'all'  -- noqa: RF02
        or (%(which)s = 'arrived' and cs.previous_segment_id is distinct from cs.segment_id)  -- noqa: RF02
        or (%(which)s = 'outliers' and cs.is_outlier)  -- noqa: RF02
    )
order by {{ ordering }}  -- noqa: RF02
limit %(limit)s offset %(offset)s
