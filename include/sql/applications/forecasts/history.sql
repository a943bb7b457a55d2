-- Purpose: what forecasts are made of: the sums of each customer at a date, as `samples.figures` takes them.
-- Grain: customer with an order day before the date. Inputs: identifier: sums: features.customer_history at the date,
--     or features/customer_history.sql in brackets.
-- Parameters: as_of_date. Re-run: reads only. Caveat: null is nothing.
select
    customer_id,
    %(as_of_date)s::date - first_order_day as first_days,
    %(as_of_date)s::date - last_order_day as last_days,
    order_days,
    order_days_30d,
    order_days_90d,
    order_days_180d,
    order_days_365d,
    order_days_season,
    gross_cents,
    spend_cents_30d,
    spend_cents_90d,
    spend_cents_180d,
    spend_cents_365d,
    spend_cents_season,
    largest_cents,
    discount_cents,
    returned_cents,
    lines,
    sessions,
    sessions_30d,
    sessions_90d,
    %(as_of_date)s::date - coalesce(last_visit_day, first_order_day) as visit_days,
    carts_30d,
    carts_90d,
    views_90d,
    reviews
from {{ sums }}
order by customer_id
