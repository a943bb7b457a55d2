-- Purpose: what customers did between two dates, the outcome that forecasts are learned from and judged by.
-- Grain: customer who did something in between. Inputs: features.customer_day, customer_day_cancelled.
-- Parameters: origin, until: from origin to before until; known_at: cancellations before it are taken off;
--     identifiers: roll_up, cancelled: the two inputs, or what `sample.sql` has taken of them. Re-run: reads only.
-- Caveat: spend is net of discounts and returns, in currency units; refunds beyond purchases count as nothing.
with cancelled as (
    select
        customer_id,
        day,
        sum(orders) as orders,
        sum(gross_cents - discount_cents - returned_cents) as cents
    from {{ cancelled }}
    where
        day >= %(origin)s::date and day < %(until)s::date
        and cancelled_on < %(known_at)s::date
    group by customer_id, day
),

days as (
    select
        d.customer_id,
        d.orders - coalesce(c.orders, 0) as orders,
        d.gross_cents - coalesce(d.discount_cents, 0) - coalesce(d.returned_cents, 0) - coalesce(c.cents, 0) as cents
    from {{ roll_up }} as d
    left join cancelled as c on d.customer_id = c.customer_id and d.day = c.day
    where d.day >= %(origin)s::date and d.day < %(until)s::date
)

select
    customer_id,
    count(*) filter (where orders > 0) as order_days,
    greatest(sum(cents), 0) / 100.0 as spend
from days
group by customer_id
order by customer_id
