-- Purpose: spend of the last weeks, and of the 90 days before, of customers taken at random: for campaigns that
--     have never been.
-- Grain: customer. Inputs: segments.customer_segments of the parent date, features.customer_day,
--     customer_day_cancelled. Read only.
-- Parameters: parent_as_of_date; then, as_of_date: the days from one to before the other; held_from: 90 days
--     before `then`; most: customers that are taken.
with members as (
    select customer_id
    from segments.customer_segments
    where as_of_date = %(parent_as_of_date)s
    order by md5(customer_id), customer_id
    limit %(most)s
),

days as (
    select
        customer_id,
        day,
        gross_cents - coalesce(discount_cents, 0) - coalesce(returned_cents, 0) as cents
    from features.customer_day
    where day >= %(held_from)s and day < %(as_of_date)s
    union all
    select
        customer_id,
        day,
        -(gross_cents - discount_cents - returned_cents) as cents
    from features.customer_day_cancelled
    where
        day >= %(held_from)s and day < %(as_of_date)s
        and cancelled_on < case when day < %(then)s then %(then)s else %(as_of_date)s end
)

select
    coalesce(sum(d.cents) filter (where d.day < %(then)s), 0) / 100.0 as covariate,
    coalesce(sum(d.cents) filter (where d.day >= %(then)s), 0) / 100.0 as revenue
from members as m
left join days as d on m.customer_id = d.customer_id
group by m.customer_id
order by m.customer_id
