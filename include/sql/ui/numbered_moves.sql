-- Purpose: customers who moved between two dates by their numbers, with what a list of them shows.
-- Grain: customer, in the order given. Inputs: segments.customer_numbers and features.customer_features of the
--     later date, both by their keys.
-- Parameters: second (a date), numbers, sources and targets (segments, null: not there). Read only.
select
    n.customer_id,
    w.from_segment_id,
    w.to_segment_id,
    f.spend_365d::double precision as spend_365d,
    f.recency_days::double precision as recency_days,
    f.frequency_orders::double precision as frequency_orders
from
    unnest(%(numbers)s::integer[], %(sources)s::integer[], %(targets)s::integer[])  -- noqa: RF02
    with ordinality as w (customer_number, from_segment_id, to_segment_id, place)
inner join segments.customer_numbers as n on w.customer_number = n.customer_number
left join features.customer_features as f
    on f.as_of_date = %(second)s and n.customer_id = f.customer_id  -- noqa: RF02
order by w.place
