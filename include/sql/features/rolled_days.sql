-- Purpose: what a customer did on a day, added up.
-- Grain: customer and day. Inputs: rolled_orders (temporary; rolled_orders.sql); core.events, core.reviews of the
--     window.
-- Parameters: first (null: all history), end: the window's days. Read only.
-- Caveat: of what most days have nothing of, nothing is null, which takes no room. Orders, their gross amount and
--     sessions, which everybody reads, are 0.
with ordering as (
    select
        customer_id,
        day,
        sum(orders) as orders,
        sum(weekend_orders) as weekend_orders,
        sum(morning_orders) as morning_orders,
        sum(afternoon_orders) as afternoon_orders,
        sum(evening_orders) as evening_orders,
        sum(night_orders) as night_orders,
        sum(lines) as lines,
        sum(discounted_lines) as discounted_lines,
        sum(units) as units,
        sum(gross_cents::double precision)::bigint as gross_cents,
        sum(discount_cents::double precision)::bigint as discount_cents,
        sum(return_lines) as return_lines,
        sum(returned_cents::double precision)::bigint as returned_cents
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
    coalesce(o.orders, 0),
    nullif(o.weekend_orders, 0),
    nullif(o.morning_orders, 0),
    nullif(o.afternoon_orders, 0),
    nullif(o.evening_orders, 0),
    nullif(o.night_orders, 0),
    nullif(o.lines, 0),
    nullif(o.discounted_lines, 0),
    nullif(o.units, 0),
    coalesce(o.gross_cents, 0),
    nullif(o.discount_cents, 0),
    nullif(o.return_lines, 0),
    nullif(o.returned_cents, 0),
    coalesce(b.sessions, 0),
    nullif(b.views, 0),
    nullif(b.carts, 0),
    nullif(b.searches, 0),
    nullif(b.dwell_seconds, 0),
    nullif(r.reviews, 0),
    nullif(r.rated_reviews, 0),
    nullif(r.rating_sum, 0),
    nullif(r.poor_reviews, 0),
    nullif(r.review_chars, 0)
from ordering as o
full join browsing as b using (customer_id, day)
full join reviewing as r using (customer_id, day)
