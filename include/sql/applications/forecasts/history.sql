-- Purpose: what forecasts are made of: what was known of each customer at a date.
-- Grain: customer with an order day before `origin`. Inputs: features.customer_day, customer_day_cancelled.
-- Parameters: origin: nothing on or after it is read, and no cancellation of it or later; identifiers: roll_up,
--     cancelled: the two inputs, or what `sample.sql` has taken of them.
-- Re-run: reads only. Caveat: money is net of discounts and returns, in currency units.
with cancelled as (
    select
        customer_id,
        day,
        sum(orders) as orders,
        sum(gross_cents) as gross_cents,
        sum(discount_cents) as discount_cents,
        sum(returned_cents) as returned_cents
    from {{ cancelled }}
    where day < %(origin)s::date and cancelled_on < %(origin)s::date
    group by customer_id, day
),

days as (
    select
        d.customer_id,
        %(origin)s::date - d.day as ago,
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
    where d.day < %(origin)s::date
    -- a barrier: each figure is computed once a day, and not once in each sum
    offset 0  -- noqa: AM09
),

known as (
    select
        customer_id,
        max(ago) filter (where orders > 0) as first_days,
        min(ago) filter (where orders > 0) as last_days,
        count(*) filter (where orders > 0) as order_days,
        sum(net_cents) as spend_cents,
        max(gross_cents - discount_cents) filter (where orders > 0) as largest_cents,
        sum(gross_cents) as gross_cents,
        sum(discount_cents) as discount_cents,
        sum(returned_cents) as returned_cents,
        sum(lines) as lines,
        sum(sessions) as sessions,
        min(ago) filter (where sessions > 0) as visit_days,
        coalesce(sum(reviews), 0) as reviews,
        count(*) filter (where orders > 0 and ago <= 30) as order_days_30d,
        count(*) filter (where orders > 0 and ago <= 90) as order_days_90d,
        count(*) filter (where orders > 0 and ago <= 180) as order_days_180d,
        count(*) filter (where orders > 0 and ago <= 365) as order_days_365d,
        count(*) filter (where orders > 0 and ago > 275 and ago <= 365) as order_days_season,
        sum(net_cents) filter (where ago <= 30) as spend_cents_30d,
        sum(net_cents) filter (where ago <= 90) as spend_cents_90d,
        sum(net_cents) filter (where ago <= 180) as spend_cents_180d,
        sum(net_cents) filter (where ago <= 365) as spend_cents_365d,
        sum(net_cents) filter (where ago > 275 and ago <= 365) as spend_cents_season,
        sum(sessions) filter (where ago <= 30) as sessions_30d,
        sum(sessions) filter (where ago <= 90) as sessions_90d,
        sum(carts) filter (where ago <= 30) as carts_30d,
        sum(carts) filter (where ago <= 90) as carts_90d,
        sum(views) filter (where ago <= 90) as views_90d
    from days
    group by customer_id
)

select
    customer_id,
    first_days,
    last_days,
    order_days,
    coalesce(order_days_30d, 0) as order_days_30d,
    coalesce(order_days_90d, 0) as order_days_90d,
    coalesce(order_days_180d, 0) as order_days_180d,
    coalesce(order_days_365d, 0) as order_days_365d,
    coalesce(order_days_season, 0) as order_days_season,
    greatest(spend_cents, 0) / 100 as spend,
    greatest(coalesce(spend_cents_30d, 0), 0) / 100 as spend_30d,
    greatest(coalesce(spend_cents_90d, 0), 0) / 100 as spend_90d,
    greatest(coalesce(spend_cents_180d, 0), 0) / 100 as spend_180d,
    greatest(coalesce(spend_cents_365d, 0), 0) / 100 as spend_365d,
    greatest(coalesce(spend_cents_season, 0), 0) / 100 as spend_season,
    greatest(coalesce(largest_cents, 0), 0) / 100 as largest_day,
    coalesce(discount_cents / nullif(gross_cents, 0), 0) as discount_share,
    least(coalesce(returned_cents / nullif(gross_cents, 0), 0), 1) as return_share,
    lines::double precision / order_days as lines_per_day,
    sessions,
    coalesce(sessions_30d, 0) as sessions_30d,
    coalesce(sessions_90d, 0) as sessions_90d,
    coalesce(visit_days, first_days) as visit_days,
    coalesce(carts_30d, 0) as carts_30d,
    coalesce(carts_90d, 0) as carts_90d,
    coalesce(views_90d, 0) as views_90d,
    reviews
from known
where order_days > 0
order by customer_id
