-- Purpose: totals of all days before the start of a month, with the cancellations known by then taken off.
-- Grain: customer, for one month start. Inputs: as state.sql.
-- Parameters: as_of_date: the month start to make; month: an earlier one that is kept (null: none);
--     identifiers: table, state (state.sql).
-- Re-run: fills a table that takes the place of the month's partition, or the rows of some customers, which
--     were deleted before.
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
    cancelled_orders,
    weekend_orders,
    morning_orders,
    evening_orders,
    night_orders,
    lines,
    discounted_lines,
    order_days,
    active_months,
    first_order_day,
    last_order_day,
    last_visit_day,
    gap_squares,
    gross_cents,
    discount_cents,
    returned_cents,
    placed_spend_cents,
    sessions,
    views,
    carts,
    reviews,
    rated_reviews,
    poor_reviews,
    review_chars,
    units,
    dwell_seconds,
    rating_sum
from state
order by customer_id
