-- Purpose: a page of the customers of a segment, with what a list of them shows.
-- Grain: customer. Inputs: segments.customer_segments of the date, features.customer_features by its key.
-- Parameters: as_of_date, segment_id, which (all, arrived, outliers), limit, offset; identifier: ordering.
-- Read only.
with page as (
    select
        cs.customer_id,
        cs.confidence::double precision as confidence,
        cs.is_outlier,
        cs.previous_segment_id,
        cs.days_in_segment
    from segments.customer_segments as cs
    where
        cs.as_of_date = %(as_of_date)s
        and cs.segment_id = %(segment_id)s
        and (
            %(which)s = 'all'
            or (%(which)s = 'arrived' and cs.previous_segment_id is distinct from cs.segment_id)
            or (%(which)s = 'outliers' and cs.is_outlier)
        )
    order by {{ ordering }}
    limit %(limit)s offset %(offset)s
)

select
    page.customer_id,
    page.confidence,
    page.is_outlier,
    page.previous_segment_id,
    page.days_in_segment,
    f.spend_365d::double precision as spend_365d,
    f.recency_days::double precision as recency_days,
    f.frequency_orders::double precision as frequency_orders
from page
left join features.customer_features as f
    on f.as_of_date = %(as_of_date)s and page.customer_id = f.customer_id
order by {{ ordering_of_page }} -- noqa: RF02
