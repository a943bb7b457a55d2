-- Purpose: what was cancelled of the days of a sample of customers (sampled_days.sql), and when.
-- Grain: as features.customer_day_cancelled. Parameters: as_of_date: only days and cancellations before it;
--     identifier: whom: a condition on customer_id. Re-run: reads only.
select
    customer_id,
    %(as_of_date)s::date - day as ago,
    %(as_of_date)s::date - cancelled_on as cancelled_ago,
    orders,
    gross_cents,
    discount_cents,
    returned_cents
from features.customer_day_cancelled
where
    day < %(as_of_date)s::date and cancelled_on < %(as_of_date)s::date
    and {{ whom }}
order by customer_id, day, cancelled_on
