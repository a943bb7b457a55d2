-- Purpose: what forecasts are made of: what was known of each customer at a date.
-- Grain: customer with an order day before the date. Inputs: identifier: sums: features.customer_history at the date,
--     or features/customer_history.sql in brackets.
-- Parameters: as_of_date. Re-run: reads only.
-- Caveat: money is net of discounts and returns, in currency units.
with known as (
    select
        customer_id,
        %(as_of_date)s::date - first_order_day as first_days,
        %(as_of_date)s::date - last_order_day as last_days,
        %(as_of_date)s::date - last_visit_day as visit_days,
        order_days,
        coalesce(order_days_30d, 0) as order_days_30d,
        coalesce(order_days_90d, 0) as order_days_90d,
        coalesce(order_days_180d, 0) as order_days_180d,
        coalesce(order_days_365d, 0) as order_days_365d,
        coalesce(order_days_season, 0) as order_days_season,
        coalesce(gross_cents, 0)::double precision as gross_cents,
        coalesce(discount_cents, 0)::double precision as discount_cents,
        coalesce(returned_cents, 0)::double precision as returned_cents,
        greatest(spend_cents_30d, 0)::double precision as spend_cents_30d,
        greatest(spend_cents_90d, 0)::double precision as spend_cents_90d,
        greatest(spend_cents_180d, 0)::double precision as spend_cents_180d,
        greatest(spend_cents_365d, 0)::double precision as spend_cents_365d,
        greatest(spend_cents_season, 0)::double precision as spend_cents_season,
        greatest(largest_cents, 0)::double precision as largest_cents,
        coalesce(lines, 0)::double precision as lines,
        coalesce(sessions, 0) as sessions,
        coalesce(sessions_30d, 0) as sessions_30d,
        coalesce(sessions_90d, 0) as sessions_90d,
        coalesce(carts_30d, 0) as carts_30d,
        coalesce(carts_90d, 0) as carts_90d,
        coalesce(views_90d, 0) as views_90d,
        coalesce(reviews, 0) as reviews
    from {{ sums }}
)

select
    customer_id,
    first_days,
    last_days,
    order_days,
    order_days_30d,
    order_days_90d,
    order_days_180d,
    order_days_365d,
    order_days_season,
    greatest(gross_cents - discount_cents - returned_cents, 0) / 100 as spend,
    spend_cents_30d / 100 as spend_30d,
    spend_cents_90d / 100 as spend_90d,
    spend_cents_180d / 100 as spend_180d,
    spend_cents_365d / 100 as spend_365d,
    spend_cents_season / 100 as spend_season,
    largest_cents / 100 as largest_day,
    coalesce(discount_cents / nullif(gross_cents, 0), 0) as discount_share,
    least(coalesce(returned_cents / nullif(gross_cents, 0), 0), 1) as return_share,
    lines / order_days as lines_per_day,
    sessions,
    sessions_30d,
    sessions_90d,
    coalesce(visit_days, first_days) as visit_days,
    carts_30d,
    carts_90d,
    views_90d,
    reviews
from known
order by customer_id
