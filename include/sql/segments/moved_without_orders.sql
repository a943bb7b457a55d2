-- Purpose: of the customers who changed segment since the parent date, those who ordered nothing in between.
-- Grain: one row. Inputs: segments.customer_segments, features.customer_day.
-- Parameters: as_of_date, run_id, parent_as_of_date (may be null: nobody). Read only.
-- Caveat: an order that was cancelled later is one.
select count(*) as customers
from segments.customer_segments as cs
where
    cs.as_of_date = %(as_of_date)s
    and cs.run_id = %(run_id)s
    and cs.previous_segment_id <> cs.segment_id
    and not exists (
        select from features.customer_day as d
        where
            d.customer_id = cs.customer_id
            and d.day >= %(parent_as_of_date)s::date
            and d.day < %(as_of_date)s::date
            and d.orders > 0
    )
