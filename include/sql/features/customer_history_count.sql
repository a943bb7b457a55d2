-- Purpose: write what is known of customers at a date, counted from all of their days.
-- Grain: customer. Inputs: identifiers: sums: customer_history.sql; table: features.customer_history, or one like it.
-- Parameters: as_of_date.
-- Re-run: their rows were deleted before. Caveat: nothing is null, which takes no room.
insert into {{ table }}
(
    gross_cents, largest_cents, discount_cents, returned_cents,
    spend_cents_30d, spend_cents_90d, spend_cents_180d, spend_cents_365d, spend_cents_season,
    first_order_day, last_order_day, last_visit_day, order_days, lines, sessions, reviews,
    sessions_30d, sessions_90d, carts_30d, carts_90d, views_90d,
    order_days_30d, order_days_90d, order_days_180d, order_days_365d, order_days_season, customer_id
)
with counted as (
    select file.*
    from (
        {{ sums }}
    ) as file
)

select
    nullif(gross_cents, 0),
    nullif(largest_cents, 0),
    nullif(discount_cents, 0),
    nullif(returned_cents, 0),
    nullif(spend_cents_30d, 0),
    nullif(spend_cents_90d, 0),
    nullif(spend_cents_180d, 0),
    nullif(spend_cents_365d, 0),
    nullif(spend_cents_season, 0),
    first_order_day,
    last_order_day,
    last_visit_day,
    order_days,
    nullif(lines, 0),
    nullif(sessions, 0),
    nullif(reviews, 0),
    nullif(sessions_30d, 0),
    nullif(sessions_90d, 0),
    nullif(carts_30d, 0),
    nullif(carts_90d, 0),
    nullif(views_90d, 0),
    nullif(order_days_30d, 0),
    nullif(order_days_90d, 0),
    nullif(order_days_180d, 0),
    nullif(order_days_365d, 0),
    nullif(order_days_season, 0),
    customer_id
from counted
order by customer_id
