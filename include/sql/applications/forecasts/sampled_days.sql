-- Purpose: the days of a sample of customers, who are the same on every date: what the past of a shop is
--     looked at with.
-- Grain: as features.customer_day. Parameters: as_of_date: only days before it; identifier: whom: a condition on
--     customer_id. Re-run: reads only. Caveat: null is nothing.
select
    customer_id,
    %(as_of_date)s::date - day as ago,
    orders,
    gross_cents,
    discount_cents,
    returned_cents,
    lines,
    sessions,
    carts,
    views,
    reviews
from features.customer_day
where day < %(as_of_date)s::date and {{ whom }}
order by customer_id, day
