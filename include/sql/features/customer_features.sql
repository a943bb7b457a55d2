-- Purpose: the features of every eligible customer at an as-of date D; each is defined in
--     include/config/features.yaml, under the name of its column.
-- Grain: customer, for one as_of_date.
-- Inputs: lifetimes: state.sql. Windows of up to 180 days: features.customer_recent. The year: what all days
--     before D add up to less what those before D - 365 do (customer_cumulative of a month start and the
--     days since). Cancelled orders of the windows: customer_day_cancelled. customer_mix, core.customers.
-- Parameters: as_of_date; month, year_month: the month starts kept, not after D and not after D - 365
--     (null: there is none, and all days are read); slot of customer_mix and customer_recent; identifiers:
--     columns, state, whom (a condition on customer_id, or true). Every fact is of a day before D, a
--     cancellation too.
-- Re-run: reads only. It becomes a table by `create table as`, which the workers of the server take part in:
--     for them, what is read twice is small, and not kept as a common table expression.
-- Caveats: eligible is a customer with at least one order that counts (a line with quantity > 0 and
--     unit_price > 0) and is not cancelled before D. Sums are exact (whole cents; as float8,
--     which is faster than numeric, they are so up to 2^53), their ratios are float8.
with state as (
    select file.*
    from (
        {{ state }}
    ) as file
),

recent as (
    select *
    from features.customer_recent
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
        orders + cancelled_orders as orders,
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
        sum((gross_cents - discount_cents - returned_cents)::double precision)::bigint as spend_cents,
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

mix as (
    select *
    from features.customer_mix
    where slot = %(slot)s and {{ whom }}
),

sums as (
    select
        s.*,
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
        coalesce(r.sessions_90d, 0) as sessions_90d,
        nullif(s.sessions - coalesce(y.sessions, 0) - coalesce(e.sessions, 0), 0)::double precision
            as sessions_365d,
        s.views - coalesce(y.views, 0) - coalesce(e.views, 0) as views_365d,
        s.carts - coalesce(y.carts, 0) - coalesce(e.carts, 0) as carts_365d,
        s.dwell_seconds - coalesce(y.dwell_seconds, 0) - coalesce(e.dwell_seconds, 0) as dwell_seconds_365d,
        s.reviews - coalesce(y.reviews, 0) - coalesce(e.reviews, 0) as reviews_365d,
        s.orders::double precision as n,
        nullif(s.rated_reviews, 0)::double precision as n_rated,
        nullif(s.gross_cents, 0)::double precision as n_gross,
        m.products,
        m.categories,
        m.entropy,
        m.lines as mix_lines,
        a.birth_year,
        a.gender,
        a.country
    from state as s
    left join gone as g on s.customer_id = g.customer_id
    left join year_start_days as e on s.customer_id = e.customer_id
    left join year_start as y on s.customer_id = y.customer_id
    left join mix as m on s.customer_id = m.customer_id
    left join attributes as a on s.customer_id = a.customer_id
    left join recent as r on s.customer_id = r.customer_id
    where s.orders > 0
),

final as (
    select
        t.customer_id,
        %(as_of_date)s::date - t.last_order_day as recency_days,
        t.orders as frequency_orders,
        (t.gross_cents - t.discount_cents - t.returned_cents) / 100.0::double precision as monetary,
        %(as_of_date)s::date - t.first_order_day as tenure_days,
        (t.gross_cents - t.discount_cents) / 100.0::double precision / t.n as average_order_value,
        t.orders_30d,
        t.orders_90d,
        t.orders_365d,
        t.spend_cents_30d / 100.0::double precision as spend_30d,
        t.spend_cents_90d / 100.0::double precision as spend_90d,
        t.spend_cents_365d / 100.0::double precision as spend_365d,
        coalesce(
            (t.gross_cents_90d - t.gross_cents_90d_before)::double precision
            / nullif(t.gross_cents_90d + t.gross_cents_90d_before, 0), 0
        ) as spend_trend_90d,
        (t.last_order_day - t.first_order_day)::double precision
        / nullif(t.order_days - 1, 0) as order_gap_mean_days,
        -- of n gaps that add up to s, their squares to q: sqrt(q / n - (s / n)^2) / (s / n)
        case
            when t.order_days >= 3
                then sqrt(
                    (t.order_days - 1) * t.gap_squares
                    - (t.last_order_day - t.first_order_day)::bigint * (t.last_order_day - t.first_order_day)
                ) / (t.last_order_day - t.first_order_day)
        end as order_gap_variation,
        t.n / t.active_months as orders_per_active_month,
        t.active_months / (
            1 + 12 * (date_part('year', %(as_of_date)s::date - 1) - date_part('year', t.first_order_day))
            + date_part('month', %(as_of_date)s::date - 1) - date_part('month', t.first_order_day)
        ) as active_month_share,
        t.units::double precision / t.n as units_per_order,
        t.lines / t.n as lines_per_order,
        coalesce(t.products, 0) as distinct_products_365d,
        coalesce(t.categories, 0) as distinct_categories_365d,
        coalesce(t.entropy, 0) as category_entropy_365d,
        coalesce((t.mix_lines - t.products) / t.mix_lines::double precision, 0) as product_repeat_share_365d,
        t.discount_cents / t.n_gross as discount_share,
        t.discounted_lines::double precision / nullif(t.lines, 0) as discounted_line_share,
        least(t.returned_cents / t.n_gross, 1) as return_rate,
        t.cancelled_orders / (t.n + t.cancelled_orders) as cancelled_order_share,
        t.weekend_orders / t.n as weekend_order_share,
        t.morning_orders / t.n as morning_order_share,
        t.evening_orders / t.n as evening_order_share,
        t.night_orders / t.n as night_order_share,
        t.sessions_90d,
        t.views_365d / t.sessions_365d as views_per_session_365d,
        t.carts_365d / t.sessions_365d as cart_rate_365d,
        t.orders_365d / t.sessions_365d as conversion_365d,
        t.dwell_seconds_365d::double precision / 60 / t.sessions_365d as dwell_minutes_per_session_365d,
        %(as_of_date)s::date - t.last_visit_day as visit_recency_days,
        t.reviews_365d,
        t.reviews / t.n as reviews_per_order,
        t.rating_sum::double precision / t.n_rated as mean_rating,
        t.poor_reviews / t.n_rated as poor_rating_share,
        t.review_chars / nullif(t.reviews, 0)::double precision as review_length_chars,
        date_part('year', %(as_of_date)s::date) - t.birth_year as age_years,
        t.gender,
        t.country
    from sums as t
)

select
    %(as_of_date)s::date as as_of_date,
    customer_id,
    {{ columns }}
from final
