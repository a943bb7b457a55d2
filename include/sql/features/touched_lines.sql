-- Purpose: the lines of the last 365 days of some customers, each looked up, whatever the planner thinks.
-- Grain: as features.customer_product_day. Inputs: touched (temporary), features.customer_product_day.
-- Parameters: as_of_date. Read only.
select p.*
from touched as t
cross join lateral (
    select d.*
    from features.customer_product_day as d
    where
        d.customer_id = t.customer_id
        and d.day >= %(as_of_date)s::date - 365 and d.day < %(as_of_date)s::date
    order by d.day
    offset 0
) as p
