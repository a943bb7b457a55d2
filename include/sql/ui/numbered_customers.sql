-- Purpose: customers of a published date by their numbers, with what a list of them shows.
-- Grain: customer, in the order given. Inputs: segments.customer_numbers, segments.customer_segments and
--     features.customer_features of the date, all by their keys.
-- Parameters: as_of_date, numbers. Read only.
select
    n.customer_id,
    cs.segment_id,
    cs.confidence::double precision as confidence,
    cs.is_outlier,
    cs.previous_segment_id,
    cs.days_in_segment,
    f.spend_365d::double precision as spend_365d,
    f.recency_days::double precision as recency_days,
    f.frequency_orders::double precision as frequency_orders
from unnest(%(numbers)s::integer[]) with ordinality as w (customer_number, place)  -- noqa: RF02
inner join segments.customer_numbers as n on w.customer_number = n.customer_number
inner join segments.customer_segments as cs
    on cs.as_of_date = %(as_of_date)s and n.customer_id = cs.customer_id
left join features.customer_features as f
    on f.as_of_date = %(as_of_date)s and n.customer_id = f.customer_id
order by w.place
