-- Purpose: how long customers were silent between order days, and for how long they are now: what the return
--     curve of a shop is made of.
-- Grain: days of silence. Inputs: features.customer_day, customer_day_cancelled of a sample of customers.
-- Parameters: as_of_date: nothing on or after it is read; identifier: whom: a condition on customer_id.
-- Re-run: reads only.
with cancelled as (
    select
        customer_id,
        day,
        sum(orders) as orders
    from features.customer_day_cancelled
    where
        day < %(as_of_date)s::date and cancelled_on < %(as_of_date)s::date
        and {{ whom }}
    group by customer_id, day
),

sampled as (
    select
        customer_id,
        day,
        orders
    from features.customer_day
    where day < %(as_of_date)s::date and orders > 0 and {{ whom }}
),

days as (
    select
        d.customer_id,
        d.day,
        lead(d.day) over (partition by d.customer_id order by d.day) as day_after
    from sampled as d
    left join cancelled as c on d.customer_id = c.customer_id and d.day = c.day
    where d.orders > coalesce(c.orders, 0)
)

select
    coalesce(day_after, %(as_of_date)s::date) - day as silent_days,
    count(day_after) as ended,
    count(*) - count(day_after) as lasting
from days
group by coalesce(day_after, %(as_of_date)s::date) - day
order by silent_days
