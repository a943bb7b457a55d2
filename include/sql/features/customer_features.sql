-- Purpose: the features of every eligible customer at an as-of date D, from the roll-up and its checkpoints.
--     `sums` has the building blocks (include/segmentation/features/blocks.py); a feature is an expression of
--     them in include/config/features.yaml.
-- Grain: customer, for one as_of_date.
-- Inputs: lifetimes: state.sql. Windows of up to 180 days: recent. The year: what all days
--     before D add up to less what those before D - 365 do (customer_cumulative of a month start and the
--     days since). Cancelled orders of the windows: customer_day_cancelled. diversity, core.customers.
-- Parameters: as_of_date; month, year_month: the month starts kept, not after D and not after D - 365
--     (null: there is none, and all days are read); slot of customer_diversity and customer_recent; identifiers:
--     columns (the expressions), state, whom (a condition on customer_id, or true); recent, diversity:
--     features.customer_recent, customer_diversity, or their statements of some customers. Every fact is of a day
--     before D, a cancellation too.
-- Re-run: reads only. It becomes a table by `create table as`, which the workers of the server take part in:
--     for them, what is read twice is small, and not kept as a common table expression.
-- Caveats: eligible is a customer with at least one order that counts (a line with quantity > 0 and
--     unit_price > 0) and is not cancelled before D. Sums are exact (whole cents; as float8,
--     which is faster than numeric, they are so up to 2^53), their ratios are float8. A block that is added
--     here is added to from_facts.sql as well, which the check against a full recomputation compares with.
with state as (
    select file.*
    from (
        {{ state }}
    ) as file
),

recent as (
    select *
    from {{ recent }}
    where slot = %(slot)s and {{ whom }}
),

gone as (
    select
        customer_id,
        sum(orders) filter (where day >= %(as_of_date)s::date - 30) as orders_30d,
        sum(orders) filter (where day >= %(as_of_date)s::date - 90) as orders_90d,
        sum(orders) as orders_365d,
        sum((gross_cents - discount_cents - returned_cents)::double precision)
        filter (where day >= %(as_of_date)s::date - 30)::bigint as spend_cents_30d,
        sum((gross_cents - discount_cents - returned_cents)::double precision)
        filter (where day >= %(as_of_date)s::date - 90)::bigint as spend_cents_90d,
        sum((gross_cents - discount_cents - returned_cents)::double precision)::bigint as spend_cents_365d,
        sum(gross_cents::double precision) filter (where day >= %(as_of_date)s::date - 90)::bigint
            as gross_cents_90d,
        sum(gross_cents::double precision) filter (
            where day >= %(as_of_date)s::date - 180 and day < %(as_of_date)s::date - 90
        )::bigint as gross_cents_90d_before
    from features.customer_day_cancelled
    where
        day >= %(as_of_date)s::date - 365
        and day < %(as_of_date)s::date
        and cancelled_on < %(as_of_date)s::date
        and {{ whom }}
    group by customer_id
),

year_start as (
    select
        customer_id,
        orders + coalesce(cancelled_orders, 0) as orders,
        placed_spend_cents as spend_cents,
        sessions,
        views,
        carts,
        dwell_seconds,
        reviews
    from features.customer_cumulative
    where month = %(year_month)s::date and {{ whom }}
),

year_start_days as (
    select
        customer_id,
        sum(orders) as orders,
        sum((gross_cents - coalesce(discount_cents, 0) - coalesce(returned_cents, 0))::double precision)::bigint
            as spend_cents,
        sum(sessions) as sessions,
        sum(views) as views,
        sum(carts) as carts,
        sum(dwell_seconds) as dwell_seconds,
        sum(reviews) as reviews
    from features.customer_day
    where
        day >= coalesce(%(year_month)s::date, '-infinity')
        and day < %(as_of_date)s::date - 365
        and {{ whom }}
    group by customer_id
),

attributes as (
    select
        customer_id,
        birth_year,
        gender,
        country
    from core.customers
    where valid_from < %(as_of_date)s::date and valid_to >= %(as_of_date)s::date and {{ whom }}
),

diversity as (
    select *
    from {{ diversity }}
    where slot = %(slot)s and {{ whom }}
),

sums as (
    select
        s.customer_id,
        s.orders,
        s.cancelled_orders,
        s.weekend_orders,
        s.morning_orders,
        s.evening_orders,
        s.night_orders,
        s.lines,
        s.discounted_lines,
        s.units,
        s.gross_cents,
        s.discount_cents,
        s.returned_cents,
        s.order_days,
        s.active_months,
        s.gap_squares,
        %(as_of_date)s::date - s.first_order_day as days_since_first_order,
        %(as_of_date)s::date - s.last_order_day as days_since_last_order,
        1 + 12 * (date_part('year', %(as_of_date)s::date - 1) - date_part('year', s.first_order_day))
        + date_part('month', %(as_of_date)s::date - 1) - date_part('month', s.first_order_day)
            as months_since_first_order,
        coalesce(r.orders_30d, 0) - coalesce(g.orders_30d, 0) as orders_30d,
        coalesce(r.orders_90d, 0) - coalesce(g.orders_90d, 0) as orders_90d,
        s.orders + s.cancelled_orders - coalesce(y.orders, 0) - coalesce(e.orders, 0)
        - coalesce(g.orders_365d, 0) as orders_365d,
        coalesce(r.spend_cents_30d, 0) - coalesce(g.spend_cents_30d, 0) as spend_cents_30d,
        coalesce(r.spend_cents_90d, 0) - coalesce(g.spend_cents_90d, 0) as spend_cents_90d,
        s.placed_spend_cents - coalesce(y.spend_cents, 0) - coalesce(e.spend_cents, 0)
        - coalesce(g.spend_cents_365d, 0) as spend_cents_365d,
        coalesce(r.gross_cents_90d, 0) - coalesce(g.gross_cents_90d, 0) as gross_cents_90d,
        coalesce(r.gross_cents_90d_before, 0) - coalesce(g.gross_cents_90d_before, 0)
            as gross_cents_90d_before,
        coalesce(m.products, 0) as products_365d,
        coalesce(m.lines, 0) as product_lines_365d,
        coalesce(m.categories, 0) as categories_365d,
        coalesce(m.entropy, 0) as category_entropy_365d,
        s.sessions,
        s.views,
        s.carts,
        s.dwell_seconds,
        %(as_of_date)s::date - s.last_visit_day as days_since_last_visit,
        coalesce(r.sessions_90d, 0) as sessions_90d,
        s.sessions - coalesce(y.sessions, 0) - coalesce(e.sessions, 0) as sessions_365d,
        s.views - coalesce(y.views, 0) - coalesce(e.views, 0) as views_365d,
        s.carts - coalesce(y.carts, 0) - coalesce(e.carts, 0) as carts_365d,
        s.dwell_seconds - coalesce(y.dwell_seconds, 0) - coalesce(e.dwell_seconds, 0) as dwell_seconds_365d,
        s.reviews,
        s.rated_reviews,
        s.poor_reviews,
        s.rating_sum,
        s.review_chars,
        s.reviews - coalesce(y.reviews, 0) - coalesce(e.reviews, 0) as reviews_365d,
        date_part('year', %(as_of_date)s::date) as as_of_year,
        a.birth_year,
        a.gender,
        a.country
    from state as s
    left join gone as g on s.customer_id = g.customer_id
    left join year_start_days as e on s.customer_id = e.customer_id
    left join year_start as y on s.customer_id = y.customer_id
    left join diversity as m on s.customer_id = m.customer_id
    left join attributes as a on s.customer_id = a.customer_id
    left join recent as r on s.customer_id = r.customer_id
    where s.orders > 0
)

select
    %(as_of_date)s::date as as_of_date,
    customer_id,
    {{ columns }}
from sums
