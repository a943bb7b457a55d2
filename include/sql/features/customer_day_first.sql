-- Purpose: the roll-up of some days of all history where there is none: what customer_day.sql makes, into tables apart.
-- Grain, inputs: as customer_day.sql. Identifiers: order_sums, cancelled_sums, product_lines,
--     day_sums, without_purchase: rolled_orders.sql, rolled_cancelled.sql, rolled_products.sql, rolled_days.sql,
--     rolled_without_purchase.sql; customer_product_day, customer_day_cancelled, order_without_purchase: the tables.
--     The days of customers go into fresh_days (temporary).
-- Parameters: first, end: the days, so few that what is grouped and joined is small.
-- Re-run: of tables that have rows, customer_day.sql is run.
create temp table rolled_orders on commit drop as
{{ order_sums }};
analyze rolled_orders;

insert into {{ customer_day_cancelled }}
(
    customer_id, day, cancelled_on, orders, weekend_orders, morning_orders, afternoon_orders, evening_orders,
    night_orders, lines, discounted_lines, units, gross_cents, discount_cents, return_lines, returned_cents
)
{{ cancelled_sums }};

insert into {{ customer_product_day }} (customer_id, day, product_id, category, cancelled_on, lines)
{{ product_lines }};

insert into fresh_days
(
    customer_id, day, orders, weekend_orders, morning_orders, afternoon_orders, evening_orders, night_orders,
    lines, discounted_lines, units, gross_cents, discount_cents, return_lines, returned_cents,
    sessions, views, carts, searches, dwell_seconds,
    reviews, rated_reviews, rating_sum, poor_reviews, review_chars
)
{{ day_sums }};

insert into {{ order_without_purchase }} (customer_id, day, order_id)
{{ without_purchase }};

drop table rolled_orders
