-- Purpose: totals of all days before the start of a month, with the cancellations known by then taken off.
-- Grain: customer, for one month start. Inputs: as state.sql.
-- Parameters: as_of_date: the month start to make; month: an earlier one that is kept (null: none);
--     identifiers: table, state (state.sql).
-- Re-run: fills a table that takes the place of the month's partition, or the rows of some customers, which
--     were deleted before.
-- Caveat: of what many customers have nothing of, nothing is null, which takes no room.
insert into {{ table }}
(
    month,
    customer_id,
    orders,
    cancelled_orders,
    weekend_orders,
    morning_orders,
    evening_orders,
    night_orders,
    lines, discounted_lines, order_days, active_months, first_order_day, last_order_day, last_visit_day,
    gap_squares, gross_cents, discount_cents, returned_cents, placed_spend_cents, sessions, views, carts,
    reviews, rated_reviews, poor_reviews, review_chars, units, dwell_seconds, rating_sum
)
with state as (
    select file.*
    from (
        {{ state }}
    ) as file
)

select
    %(as_of_date)s::date,
    customer_id,
    orders,
    nullif(cancelled_orders, 0),
    nullif(weekend_orders, 0),
    nullif(morning_orders, 0),
    nullif(evening_orders, 0),
    nullif(night_orders, 0),
    lines,
    nullif(discounted_lines, 0),
    order_days,
    active_months,
    first_order_day,
    last_order_day,
    last_visit_day,
    nullif(gap_squares, 0),
    gross_cents,
    nullif(discount_cents, 0),
    nullif(returned_cents, 0),
    placed_spend_cents,
    sessions,
    nullif(views, 0),
    nullif(carts, 0),
    nullif(reviews, 0),
    nullif(rated_reviews, 0),
    nullif(poor_reviews, 0),
    nullif(review_chars, 0),
    nullif(units, 0),
    nullif(dwell_seconds, 0),
    nullif(rating_sum, 0)
from state
order by customer_id
