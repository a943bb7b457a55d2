-- Purpose: the gaps between order days since a month start, the days and their months.
-- Grain: customer with an order day since then, or with an earlier one that has been taken off since.
-- Inputs: features.customer_day and customer_day_cancelled since the month start; core.orders and
--     order_without_purchase of the customers of whom a cancellation took an earlier order off: of these, all days are
--     counted anew.
-- Parameters: as_of_date; month: the month start, not after it (null: none); identifier: whom: as
--     in state.sql.
-- Re-run: reads only. The gap to the day before is a window function, in which no worker of the server takes
--     part: a night makes a table of this file, so that they do in the rest.
with cancelled_since as (
    select *
    from features.customer_day_cancelled
    where
        cancelled_on >= coalesce(%(month)s::date, '-infinity')
        and cancelled_on < %(as_of_date)s::date and {{ whom }}
),

counted_anew as (
    select distinct customer_id
    from cancelled_since
    where day < %(month)s::date
),

days_since as (
    select
        customer_id,
        day,
        orders
    from features.customer_day
    where
        day >= coalesce(%(month)s::date, '-infinity') and day < %(as_of_date)s::date
        and orders > 0 and {{ whom }}
),

order_days as (
    select
        s.customer_id,
        s.day,
        s.orders
    from days_since as s
    where not exists (select from counted_anew as a where a.customer_id = s.customer_id)
    union all
    select
        a.customer_id,
        d.day,
        d.orders
    from counted_anew as a
    cross join lateral (
        select
            o.day,
            count(*) as orders
        from core.orders as o
        where
            o.customer_id = a.customer_id and o.day < %(as_of_date)s::date
            and not exists (
                select from features.order_without_purchase as w
                where w.order_id = o.order_id
            )
        group by o.day
    ) as d
),

cancelled_days as (
    select
        c.customer_id,
        c.day,
        c.orders
    from cancelled_since as c
    where not exists (select from counted_anew as a where a.customer_id = c.customer_id)
    union all
    select
        a.customer_id,
        d.day,
        d.orders
    from counted_anew as a
    cross join lateral (
        select
            c.day,
            c.orders
        from features.customer_day_cancelled as c
        where c.customer_id = a.customer_id and c.cancelled_on < %(as_of_date)s::date
        order by c.day
        offset 0
    ) as d
),

cancelled_orders as (
    select
        customer_id,
        day,
        sum(orders) as orders
    from cancelled_days
    group by customer_id, day
),

left_days as (
    select
        o.customer_id,
        o.day,
        lag(o.day) over (partition by o.customer_id order by o.day) as day_before
    from order_days as o
    left join cancelled_orders as c on o.customer_id = c.customer_id and o.day = c.day
    where o.orders > coalesce(c.orders, 0)
)

select
    customer_id,
    min(day) as first_order_day,
    max(day) as last_order_day,
    count(*) as order_days,
    count(*) filter (
        where
        day_before is null
        or date_trunc('month', day_before::timestamp) < date_trunc('month', day::timestamp)
    ) as active_months,
    coalesce(sum((day - day_before) * (day - day_before)), 0) as gap_squares
from left_days
group by customer_id
