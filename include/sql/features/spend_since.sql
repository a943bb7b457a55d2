-- Purpose: what customers spent between two dates, the outcome that predictive validity is measured on.
-- Grain: customer with an order in between. Inputs: features.customer_day, customer_day_cancelled.
-- Parameters: then, as_of_date: the days from then to before the as-of date; identifier: whom (a condition on
--     customer_id, or true). Read only.
with movements as (
    select
        customer_id,
        gross_cents - coalesce(discount_cents, 0) - coalesce(returned_cents, 0) as cents
    from features.customer_day
    where day >= %(then)s::date and day < %(as_of_date)s::date and {{ whom }}
    union all
    select
        customer_id,
        -(gross_cents - discount_cents - returned_cents) as cents
    from features.customer_day_cancelled
    where
        day >= %(then)s::date and day < %(as_of_date)s::date and cancelled_on < %(as_of_date)s::date
        and {{ whom }}
)

select
    customer_id,
    greatest(sum(cents), 0) / 100.0 as spend
from movements
group by customer_id
order by customer_id
