-- Purpose: move customer_history to a later date: what comes into a window is added, what leaves it is taken off.
-- Grain: customer. Inputs: features.customer_day, customer_day_cancelled of the days that come and go.
-- Parameters: before: the date at which the history stands; as_of_date.
-- Re-run: not twice: features.checkpoints says where it stands, and moves in the same transaction.
-- Caveat: whom a cancellation of the days since has reached, and whoever is new, is not there
--     (customer_history_touched.sql).
with days_moved as (
    select *
    from features.customer_day
    where
        (day >= %(before)s::date and day < %(as_of_date)s::date)
        or (day >= %(before)s::date - 30 and day < %(as_of_date)s::date - 30)
        or (day >= %(before)s::date - 90 and day < %(as_of_date)s::date - 90)
        or (day >= %(before)s::date - 180 and day < %(as_of_date)s::date - 180)
        or (day >= %(before)s::date - 275 and day < %(as_of_date)s::date - 275)
        or (day >= %(before)s::date - 365 and day < %(as_of_date)s::date - 365)
),

cancelled as (
    select
        customer_id,
        day,
        sum(orders) as orders,
        sum(gross_cents) as gross_cents,
        sum(discount_cents) as discount_cents,
        sum(returned_cents) as returned_cents
    from features.customer_day_cancelled
    where
        cancelled_on < %(as_of_date)s::date
        and (
            (day >= %(before)s::date and day < %(as_of_date)s::date)
            or (day >= %(before)s::date - 30 and day < %(as_of_date)s::date - 30)
            or (day >= %(before)s::date - 90 and day < %(as_of_date)s::date - 90)
            or (day >= %(before)s::date - 180 and day < %(as_of_date)s::date - 180)
            or (day >= %(before)s::date - 275 and day < %(as_of_date)s::date - 275)
            or (day >= %(before)s::date - 365 and day < %(as_of_date)s::date - 365)
        )
    group by customer_id, day
),

days as (
    select
        d.customer_id,
        d.day,
        d.orders > coalesce(c.orders, 0) as has_order,
        (d.gross_cents - coalesce(c.gross_cents, 0))::double precision as gross_cents,
        (coalesce(d.discount_cents, 0) - coalesce(c.discount_cents, 0))::double precision as discount_cents,
        (coalesce(d.returned_cents, 0) - coalesce(c.returned_cents, 0))::double precision as returned_cents,
        (
            d.gross_cents - coalesce(d.discount_cents, 0) - coalesce(d.returned_cents, 0)
            - coalesce(c.gross_cents - c.discount_cents - c.returned_cents, 0)
        )::double precision as net_cents,
        d.lines,
        d.sessions,
        d.carts,
        d.views,
        d.reviews,
        d.day >= %(before)s::date as is_new,
        (d.day >= %(as_of_date)s::date - 30)::integer
        - (d.day >= %(before)s::date - 30 and d.day < %(before)s::date)::integer as of_30,
        (d.day >= %(as_of_date)s::date - 90)::integer
        - (d.day >= %(before)s::date - 90 and d.day < %(before)s::date)::integer as of_90,
        (d.day >= %(as_of_date)s::date - 180)::integer
        - (d.day >= %(before)s::date - 180 and d.day < %(before)s::date)::integer as of_180,
        (d.day >= %(as_of_date)s::date - 365)::integer
        - (d.day >= %(before)s::date - 365 and d.day < %(before)s::date)::integer as of_365,
        (d.day >= %(as_of_date)s::date - 365 and d.day < %(as_of_date)s::date - 275)::integer
        - (d.day >= %(before)s::date - 365 and d.day < %(before)s::date - 275)::integer as of_season
    from days_moved as d
    left join cancelled as c on d.customer_id = c.customer_id and d.day = c.day
    -- a barrier: each figure is computed once a day, and not once in each sum
    offset 0  -- noqa: AM09
),

moved as (
    select
        customer_id,
        sum(gross_cents) filter (where is_new) as gross_cents,
        max(gross_cents - discount_cents) filter (where is_new and has_order) as largest_cents,
        sum(discount_cents) filter (where is_new) as discount_cents,
        sum(returned_cents) filter (where is_new) as returned_cents,
        sum(of_30 * net_cents) as spend_cents_30d,
        sum(of_90 * net_cents) as spend_cents_90d,
        sum(of_180 * net_cents) as spend_cents_180d,
        sum(of_365 * net_cents) as spend_cents_365d,
        sum(of_season * net_cents) as spend_cents_season,
        max(day) filter (where is_new and has_order) as last_order_day,
        max(day) filter (where is_new and sessions > 0) as last_visit_day,
        count(*) filter (where is_new and has_order) as order_days,
        sum(lines) filter (where is_new) as lines,
        sum(sessions) filter (where is_new) as sessions,
        sum(reviews) filter (where is_new) as reviews,
        sum(of_30 * sessions) as sessions_30d,
        sum(of_90 * sessions) as sessions_90d,
        sum(of_30 * carts) as carts_30d,
        sum(of_90 * carts) as carts_90d,
        sum(of_90 * views) as views_90d,
        sum(of_30) filter (where has_order) as order_days_30d,
        sum(of_90) filter (where has_order) as order_days_90d,
        sum(of_180) filter (where has_order) as order_days_180d,
        sum(of_365) filter (where has_order) as order_days_365d,
        sum(of_season) filter (where has_order) as order_days_season
    from days
    group by customer_id
)

update features.customer_history as h
set
    gross_cents = nullif(coalesce(h.gross_cents, 0) + coalesce(m.gross_cents, 0), 0),
    largest_cents = nullif(greatest(coalesce(h.largest_cents, 0), m.largest_cents), 0),
    discount_cents = nullif(coalesce(h.discount_cents, 0) + coalesce(m.discount_cents, 0), 0),
    returned_cents = nullif(coalesce(h.returned_cents, 0) + coalesce(m.returned_cents, 0), 0),
    spend_cents_30d = nullif(coalesce(h.spend_cents_30d, 0) + m.spend_cents_30d, 0),
    spend_cents_90d = nullif(coalesce(h.spend_cents_90d, 0) + m.spend_cents_90d, 0),
    spend_cents_180d = nullif(coalesce(h.spend_cents_180d, 0) + m.spend_cents_180d, 0),
    spend_cents_365d = nullif(coalesce(h.spend_cents_365d, 0) + m.spend_cents_365d, 0),
    spend_cents_season = nullif(coalesce(h.spend_cents_season, 0) + m.spend_cents_season, 0),
    last_order_day = coalesce(m.last_order_day, h.last_order_day),
    last_visit_day = coalesce(m.last_visit_day, h.last_visit_day),
    order_days = h.order_days + m.order_days,
    lines = nullif(coalesce(h.lines, 0) + coalesce(m.lines, 0), 0),
    sessions = nullif(coalesce(h.sessions, 0) + coalesce(m.sessions, 0), 0),
    reviews = nullif(coalesce(h.reviews, 0) + coalesce(m.reviews, 0), 0),
    sessions_30d = nullif(coalesce(h.sessions_30d, 0) + coalesce(m.sessions_30d, 0), 0),
    sessions_90d = nullif(coalesce(h.sessions_90d, 0) + coalesce(m.sessions_90d, 0), 0),
    carts_30d = nullif(coalesce(h.carts_30d, 0) + coalesce(m.carts_30d, 0), 0),
    carts_90d = nullif(coalesce(h.carts_90d, 0) + coalesce(m.carts_90d, 0), 0),
    views_90d = nullif(coalesce(h.views_90d, 0) + coalesce(m.views_90d, 0), 0),
    order_days_30d = nullif(coalesce(h.order_days_30d, 0) + coalesce(m.order_days_30d, 0), 0),
    order_days_90d = nullif(coalesce(h.order_days_90d, 0) + coalesce(m.order_days_90d, 0), 0),
    order_days_180d = nullif(coalesce(h.order_days_180d, 0) + coalesce(m.order_days_180d, 0), 0),
    order_days_365d = nullif(coalesce(h.order_days_365d, 0) + coalesce(m.order_days_365d, 0), 0),
    order_days_season = nullif(coalesce(h.order_days_season, 0) + coalesce(m.order_days_season, 0), 0)
from moved as m
where h.customer_id = m.customer_id
