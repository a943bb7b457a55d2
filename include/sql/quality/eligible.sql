-- Purpose: what the features must agree with: who is eligible, and the clean lines of the last days.
-- Grain: one row, a column a metric.
-- Inputs: features.customer_features of the date; features.customer_cumulative of a month start, customer_day
--     and customer_day_cancelled of the days since; core.order_items of the last days.
-- Parameters: as_of_date, month (the month start that is kept, null: none), since (first of the last days).
-- Re-run: reads only.
-- Includes: features/eligible.sql.
-- Caveat: the roll-up is compared with the clean lines of the last days only; a night must not read all
--     history. features.verify does, once a week.
with eligible as (
    {{ eligible }}
),

featured as (
    select customer_id
    from features.customer_features
    where as_of_date = %(as_of_date)s::date
),

compared as (
    select
        count(e.customer_id) as eligible_customers,
        count(*) filter (where e.customer_id is null or f.customer_id is null) as customers_off
    from eligible as e
    full join featured as f on e.customer_id = f.customer_id
),

rolled_up as (
    select coalesce(sum(gross_cents - coalesce(discount_cents, 0) - coalesce(returned_cents, 0)), 0) as cents
    from features.customer_day
    where day >= %(since)s::date and day < %(as_of_date)s::date
),

clean as (
    select coalesce(sum(amount_cents), 0) as cents
    from core.order_items
    where day >= %(since)s::date and day < %(as_of_date)s::date
)

select
    c.eligible_customers,
    c.customers_off,
    abs(r.cents - l.cents) as cents_off
from compared as c
cross join rolled_up as r
cross join clean as l
