-- Purpose: what is known of each customer at a date: what forecasts are made of.
-- Grain: customer with a day with an order before the date. Inputs: features.customer_day, customer_day_cancelled.
-- Parameters: as_of_date: nothing on or after it is read, and no cancellation of it or later; identifiers: roll_up,
--     cancelled: the two inputs, or what belongs to some customers of them.
-- Re-run: reads only. Caveats: money is in whole cents, added up as double precision, exact to 2^53. A day has an
--     order when one of it is not cancelled; lines are counted as they were placed.
with cancelled as (
    select
        customer_id,
        day,
        sum(orders) as orders,
        sum(gross_cents) as gross_cents,
        sum(discount_cents) as discount_cents,
        sum(returned_cents) as returned_cents
    from {{ cancelled }}
    where day < %(as_of_date)s::date and cancelled_on < %(as_of_date)s::date
    group by customer_id, day
),

days as (
    select
        d.customer_id,
        d.day,
        %(as_of_date)s::date - d.day as ago,
        d.orders - coalesce(c.orders, 0) as orders,
        (d.gross_cents - coalesce(c.gross_cents, 0))::double precision as gross_cents,
        (coalesce(d.discount_cents, 0) - coalesce(c.discount_cents, 0))::double precision as discount_cents,
        (coalesce(d.returned_cents, 0) - coalesce(c.returned_cents, 0))::double precision as returned_cents,
        (
            d.gross_cents - coalesce(d.discount_cents, 0) - coalesce(d.returned_cents, 0)
            - coalesce(c.gross_cents - c.discount_cents - c.returned_cents, 0)
        )::double precision as net_cents,
        d.lines,
        d.sessions,
        d.carts,
        d.views,
        d.reviews
    from {{ roll_up }} as d
    left join cancelled as c on d.customer_id = c.customer_id and d.day = c.day
    where d.day < %(as_of_date)s::date
    -- a barrier: each figure is computed once a day, and not once in each sum
    offset 0  -- noqa: AM09
),

sums as (
    select
        customer_id,
        sum(gross_cents) as gross_cents,
        max(gross_cents - discount_cents) filter (where orders > 0) as largest_cents,
        sum(discount_cents) as discount_cents,
        sum(returned_cents) as returned_cents,
        sum(net_cents) filter (where ago <= 30) as spend_cents_30d,
        sum(net_cents) filter (where ago <= 90) as spend_cents_90d,
        sum(net_cents) filter (where ago <= 180) as spend_cents_180d,
        sum(net_cents) filter (where ago <= 365) as spend_cents_365d,
        sum(net_cents) filter (where ago > 275 and ago <= 365) as spend_cents_season,
        min(day) filter (where orders > 0) as first_order_day,
        max(day) filter (where orders > 0) as last_order_day,
        max(day) filter (where sessions > 0) as last_visit_day,
        count(*) filter (where orders > 0) as order_days,
        sum(lines) as lines,
        sum(sessions) as sessions,
        sum(reviews) as reviews,
        sum(sessions) filter (where ago <= 30) as sessions_30d,
        sum(sessions) filter (where ago <= 90) as sessions_90d,
        sum(carts) filter (where ago <= 30) as carts_30d,
        sum(carts) filter (where ago <= 90) as carts_90d,
        sum(views) filter (where ago <= 90) as views_90d,
        count(*) filter (where orders > 0 and ago <= 30) as order_days_30d,
        count(*) filter (where orders > 0 and ago <= 90) as order_days_90d,
        count(*) filter (where orders > 0 and ago <= 180) as order_days_180d,
        count(*) filter (where orders > 0 and ago <= 365) as order_days_365d,
        count(*) filter (where orders > 0 and ago > 275 and ago <= 365) as order_days_season
    from days
    group by customer_id
)

select *
from sums
where order_days > 0
