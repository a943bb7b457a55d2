-- Purpose: totals of all days before the start of a month, with the cancellations known by then taken off.
-- Grain: customer, for one month start. Inputs: as state.sql.
-- Parameters: as_of_date: the month start to make; month: an earlier one that is kept (null: none);
--     identifier: state (state.sql).
-- Re-run: reads only. What it reads takes the place of the month's partition, or of the rows of some customers,
--     which were deleted before.
-- Caveat: of what many customers have nothing of, nothing is null, which takes no room.
with state as (
    select file.*
    from (
        {{ state }}
    ) as file
)

select
    %(as_of_date)s::date as month,
    customer_id,
    orders::integer as orders,
    nullif(cancelled_orders, 0)::integer as cancelled_orders,
    nullif(weekend_orders, 0)::integer as weekend_orders,
    nullif(morning_orders, 0)::integer as morning_orders,
    nullif(evening_orders, 0)::integer as evening_orders,
    nullif(night_orders, 0)::integer as night_orders,
    lines::bigint as lines,
    nullif(discounted_lines, 0)::bigint as discounted_lines,
    order_days::integer as order_days,
    active_months::integer as active_months,
    first_order_day,
    last_order_day,
    last_visit_day,
    nullif(gap_squares, 0)::bigint as gap_squares,
    gross_cents::bigint as gross_cents,
    nullif(discount_cents, 0)::bigint as discount_cents,
    nullif(returned_cents, 0)::bigint as returned_cents,
    placed_spend_cents::bigint as placed_spend_cents,
    sessions::bigint as sessions,
    nullif(views, 0)::bigint as views,
    nullif(carts, 0)::bigint as carts,
    nullif(reviews, 0)::bigint as reviews,
    nullif(rated_reviews, 0)::bigint as rated_reviews,
    nullif(poor_reviews, 0)::bigint as poor_reviews,
    nullif(review_chars, 0)::bigint as review_chars,
    nullif(units, 0)::numeric as units,
    nullif(dwell_seconds, 0)::numeric as dwell_seconds,
    nullif(rating_sum, 0)::numeric as rating_sum
from state
