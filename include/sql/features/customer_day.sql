-- Purpose: the additive roll-up of what a customer did on a day; windows and lifetimes are sums of it.
-- Grain: customer and day. Inputs: core.orders, order_items, events, reviews of the window.
-- Parameters: first (null: all history), end: the window's days.
-- Re-run: the window's days are deleted and inserted, in one transaction.
-- Caveats: an order counts when a line of it has quantity > 0 and unit_price > 0. Orders that were cancelled
--     are counted here and taken off by features.customer_day_cancelled from the day after the cancellation,
--     so that an earlier as-of date still sees them as they were. Money is in whole cents.
delete from features.customer_day
where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date;

delete from features.customer_day_cancelled
where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date;

create temp table rolled_orders on commit drop as
{% include "features/order_totals.sql" %}
;

insert into features.customer_day_cancelled
(
    customer_id, day, cancelled_on, orders, weekend_orders, morning_orders, afternoon_orders, evening_orders,
    night_orders, lines, discounted_lines, units, gross_cents, discount_cents, return_lines, returned_cents
)
select
    customer_id,
    day,
    cancelled_on,
    {% for measure in order_measures -%}
    sum({{ measure }}){{ "," if not loop.last }}
    {% endfor %}
from rolled_orders
where cancelled_on is not null
group by customer_id, day, cancelled_on;

insert into features.customer_day
(
    customer_id, day, orders, weekend_orders, morning_orders, afternoon_orders, evening_orders, night_orders,
    lines, discounted_lines, units, gross_cents, discount_cents, return_lines, returned_cents,
    sessions, views, carts, searches, dwell_seconds,
    reviews, rated_reviews, rating_sum, poor_reviews, review_chars
)
with ordering as (
    select
        customer_id,
        day,
        {% for measure in order_measures -%}
        sum({{ measure }}) as {{ measure }}{{ "," if not loop.last }}
        {% endfor %}
    from rolled_orders
    group by customer_id, day
),

browsing as (
    select
        customer_id,
        day,
        count(distinct session_id) as sessions,
        count(*) filter (where event_type = 'view') as views,
        count(*) filter (where event_type = 'cart') as carts,
        count(*) filter (where event_type = 'search') as searches,
        coalesce(sum(duration_seconds), 0) as dwell_seconds
    from core.events
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by customer_id, day
),

reviewing as (
    select
        customer_id,
        day,
        count(*) as reviews,
        count(rating) as rated_reviews,
        coalesce(sum(rating), 0) as rating_sum,
        count(*) filter (where rating <= 2) as poor_reviews,
        sum(body_chars) as review_chars
    from core.reviews
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by customer_id, day
)

select
    customer_id,
    day,
    {% for measure in order_measures -%}
    coalesce(o.{{ measure }}, 0),
    {% endfor -%}
    coalesce(b.sessions, 0),
    coalesce(b.views, 0),
    coalesce(b.carts, 0),
    coalesce(b.searches, 0),
    coalesce(b.dwell_seconds, 0),
    coalesce(r.reviews, 0),
    coalesce(r.rated_reviews, 0),
    coalesce(r.rating_sum, 0),
    coalesce(r.poor_reviews, 0),
    coalesce(r.review_chars, 0)
from ordering as o
full join browsing as b using (customer_id, day)
full join reviewing as r using (customer_id, day)
