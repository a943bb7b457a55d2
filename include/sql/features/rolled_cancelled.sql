-- Purpose: what cancellations take off the days of customers.
-- Grain: customer, day and day of the cancellation. Inputs: rolled_orders (temporary; rolled_orders.sql).
-- Parameters: none. Read only; the columns are those of features.customer_day_cancelled, in its order.
select
    customer_id,
    day,
    cancelled_on,
    sum(orders),
    sum(weekend_orders),
    sum(morning_orders),
    sum(afternoon_orders),
    sum(evening_orders),
    sum(night_orders),
    sum(lines),
    sum(discounted_lines),
    sum(units),
    sum(gross_cents::double precision)::bigint,
    sum(discount_cents::double precision)::bigint,
    sum(return_lines),
    sum(returned_cents::double precision)::bigint
from rolled_orders
where cancelled_on is not null
group by customer_id, day, cancelled_on
