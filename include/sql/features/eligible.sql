-- Purpose: the customers who have features at an as-of date: an order that counts and is not cancelled before it.
-- Grain: customer, in no order; quality/eligible.sql includes it.
-- Inputs: features.customer_cumulative of a month start, customer_day of the days since, customer_day_cancelled of the
--     cancellations since.
-- Parameters: as_of_date; month: the month start, not after it (null: none, so that all days are read). Read only.
-- Caveat: the orders are those of state.sql, which has more of everybody.
select customer_id
from (
    select
        customer_id,
        orders
    from features.customer_cumulative
    where month = %(month)s::date
    union all
    select
        customer_id,
        orders
    from features.customer_day
    where day >= coalesce(%(month)s::date, '-infinity') and day < %(as_of_date)s::date and orders > 0
    union all
    select
        customer_id,
        -orders as orders
    from features.customer_day_cancelled
    where cancelled_on >= coalesce(%(month)s::date, '-infinity') and cancelled_on < %(as_of_date)s::date
) as movements
group by customer_id
having sum(orders) > 0
