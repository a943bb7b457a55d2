-- Purpose: customers who moved between two dates, from a segment and to another.
-- Grain: customer. Inputs: segments.customer_segments, one partition of each date; features of the later one.
-- Parameters: first, second (dates); came_from, went_to: a segment, 0: not there on that date, null: any; limit,
--     offset. Read only.
with before as (
    select
        customer_id,
        segment_id
    from segments.customer_segments
    where as_of_date = %(first)s
),

after as (
    select
        customer_id,
        segment_id
    from segments.customer_segments
    where as_of_date = %(second)s
),

moved as (
    select
        before.segment_id as from_segment_id,
        after.segment_id as to_segment_id,
        coalesce(after.customer_id, before.customer_id) as customer_id
    from before
    full join after on before.customer_id = after.customer_id
    where
        before.segment_id is distinct from after.segment_id
        and (%(came_from)s::integer is null or coalesce(before.segment_id, 0) = %(came_from)s)  -- noqa: RF02
        and (%(went_to)s::integer is null or coalesce(after.segment_id, 0) = %(went_to)s)  -- noqa: RF02
    order by coalesce(after.customer_id, before.customer_id)
    limit %(limit)s offset %(offset)s
)

select
    m.customer_id,
    m.from_segment_id,
    m.to_segment_id,
    f.spend_365d::double precision as spend_365d,
    f.recency_days::double precision as recency_days,
    f.frequency_orders::double precision as frequency_orders
from moved as m
left join features.customer_features as f
    on f.as_of_date = %(second)s and m.customer_id = f.customer_id  -- noqa: RF02
order by m.customer_id
