-- Purpose: the features of one customer as of now, for customers who came after the newest published date.
-- Grain: one customer, as a JSON object by feature.
-- Inputs: core.orders, order_items, customers; features.customer_day for browsing and reviews.
-- Re-run: replaced by each publication of the newest date.
-- Caveats: numbers only, defined as in include/config/features.yaml; a feature that is added there is unknown
--     here until it is added. tests/publishing/test_rules_in_sql.py compares both. It runs with the rights of its owner,
--     because readers of segments.assign_by_rule have none on these tables.
create or replace function features.live(of_customer text, as_of_date date) returns jsonb
language sql stable security definer
set search_path = ''
as $live$
with placed as (
    select
        o.order_id,
        o.day,
        o.local_hour,
        as_of_date - o.day as age_days,
        coalesce(o.cancelled_on < as_of_date, false) as is_cancelled,
        count(*) filter (where i.quantity > 0 and i.unit_price > 0) as lines,
        count(*) filter (where i.quantity > 0 and i.unit_price > 0 and i.discount > 0) as discounted_lines,
        coalesce(sum(i.quantity) filter (where i.quantity > 0 and not i.is_service), 0) as units,
        coalesce(sum(round(i.quantity * i.unit_price * 100)) filter (where i.quantity > 0), 0) as gross,
        coalesce(
            sum(round(i.quantity * i.unit_price * 100) - i.amount_cents) filter (where i.quantity > 0), 0
        ) as discount,
        coalesce(-sum(i.amount_cents) filter (where i.quantity < 0), 0) as returned
    from core.orders as o
    inner join core.order_items as i on o.order_id = i.order_id
    where o.customer_id = of_customer and o.day < as_of_date
    group by o.order_id
),

counted as (
    select
        *,
        gross - discount - returned as net,
        (lines > 0)::integer as is_order
    from placed
    where not is_cancelled
),

ordering as (
    select
        max(day) filter (where is_order = 1) as last_day,
        min(day) filter (where is_order = 1) as first_day,
        count(distinct day) filter (where is_order = 1) as order_days,
        count(distinct date_trunc('month', day)) filter (where is_order = 1) as months,
        sum(is_order)::numeric as orders,
        sum(lines) as lines,
        sum(discounted_lines) as discounted_lines,
        sum(units) as units,
        sum(gross) as gross,
        sum(discount) as discount,
        sum(returned) as returned,
        sum(is_order) filter (where extract(isodow from day) >= 6) as weekend,
        sum(is_order) filter (where local_hour between 5 and 11) as morning,
        sum(is_order) filter (where local_hour between 17 and 21) as evening,
        sum(is_order) filter (where local_hour >= 22 or local_hour < 5) as night,
        sum(is_order) filter (where age_days <= 30) as orders_30d,
        sum(is_order) filter (where age_days <= 90) as orders_90d,
        sum(is_order) filter (where age_days <= 365) as orders_365d,
        sum(net) filter (where age_days <= 30) as net_30d,
        sum(net) filter (where age_days <= 90) as net_90d,
        sum(net) filter (where age_days <= 365) as net_365d,
        coalesce(sum(gross) filter (where age_days <= 90), 0) as gross_90d,
        coalesce(sum(gross) filter (where age_days > 90 and age_days <= 180), 0) as gross_90d_before
    from counted
),

cancelled as (
    select count(*) as orders
    from placed
    where is_cancelled and lines > 0
),

gaps as (
    select
        case
            when count(gap) >= 2 then stddev_pop(gap) / nullif(avg(gap), 0)
        end as variation
    from (
        select day - lag(day) over (order by day) as gap
        from counted
        where is_order = 1
        group by day
    ) as order_gaps
),

mix as (
    select
        i.category,
        i.product_id,
        count(*)::numeric as lines
    from counted as c
    inner join core.order_items as i on c.order_id = i.order_id
    where c.age_days <= 365 and i.quantity > 0 and i.unit_price > 0 and not i.is_service
    group by i.category, i.product_id
),

products as (
    select
        count(distinct product_id) as products,
        sum(lines) as lines
    from mix
),

categories as (
    select
        count(*) as categories,
        round((ln(sum(lines)) - sum(lines * ln(lines)) / sum(lines))::numeric, 9) as entropy
    from (
        select sum(lines) as lines
        from mix
        where category is not null
        group by category
    ) as by_category
),

browsing as (
    select
        max(day) filter (where sessions > 0) as last_visit,
        sum(sessions) filter (where day >= as_of_date - 90) as sessions_90d,
        sum(sessions) filter (where day >= as_of_date - 365) as sessions_365d,
        sum(views) filter (where day >= as_of_date - 365)::numeric as views,
        sum(carts) filter (where day >= as_of_date - 365)::numeric as carts,
        sum(dwell_seconds) filter (where day >= as_of_date - 365) as dwell_seconds,
        coalesce(sum(reviews), 0)::numeric as reviews,
        sum(reviews) filter (where day >= as_of_date - 365) as reviews_365d,
        sum(rated_reviews) as rated_reviews,
        sum(rating_sum) as rating_sum,
        sum(poor_reviews)::numeric as poor_reviews,
        sum(review_chars)::numeric as review_chars
    from features.customer_day
    where customer_id = of_customer and day < as_of_date
),

born as (
    select max(birth_year) as birth_year
    from core.customers
    where customer_id = of_customer and valid_from < as_of_date and valid_to >= as_of_date
)

select
    jsonb_build_object(
        'recency_days', as_of_date - o.last_day,
        'frequency_orders', o.orders,
        'monetary', (o.gross - o.discount - o.returned) / 100,
        'tenure_days', as_of_date - o.first_day,
        'average_order_value', (o.gross - o.discount) / 100 / o.orders,
        'orders_30d', coalesce(o.orders_30d, 0),
        'orders_90d', coalesce(o.orders_90d, 0),
        'orders_365d', coalesce(o.orders_365d, 0),
        'spend_30d', coalesce(o.net_30d, 0) / 100,
        'spend_90d', coalesce(o.net_90d, 0) / 100,
        'spend_365d', coalesce(o.net_365d, 0) / 100,
        'spend_trend_90d', coalesce(
            (o.gross_90d - o.gross_90d_before) / nullif(o.gross_90d + o.gross_90d_before, 0), 0
        ),
        'order_gap_mean_days', (o.last_day - o.first_day)::numeric / nullif(o.order_days - 1, 0),
        'order_gap_variation', g.variation,
        'orders_per_active_month', o.orders / o.months,
        'active_month_share', o.months::numeric / (
            1 + 12 * (extract(year from as_of_date - 1) - extract(year from o.first_day))
            + extract(month from as_of_date - 1) - extract(month from o.first_day)
        ),
        'units_per_order', o.units / o.orders,
        'lines_per_order', o.lines / o.orders,
        'distinct_products_365d', p.products,
        'distinct_categories_365d', c.categories,
        'category_entropy_365d', coalesce(c.entropy, 0),
        'product_repeat_share_365d', coalesce(1 - p.products / p.lines, 0),
        'discount_share', o.discount / nullif(o.gross, 0),
        'discounted_line_share', o.discounted_lines / nullif(o.lines, 0),
        'return_rate', least(o.returned / nullif(o.gross, 0), 1),
        'cancelled_order_share', x.orders / (o.orders + x.orders)
    ) || jsonb_build_object(
        'weekend_order_share', coalesce(o.weekend, 0) / o.orders,
        'morning_order_share', coalesce(o.morning, 0) / o.orders,
        'evening_order_share', coalesce(o.evening, 0) / o.orders,
        'night_order_share', coalesce(o.night, 0) / o.orders,
        'sessions_90d', coalesce(b.sessions_90d, 0),
        'views_per_session_365d', b.views / nullif(b.sessions_365d, 0),
        'cart_rate_365d', b.carts / nullif(b.sessions_365d, 0),
        'conversion_365d', o.orders_365d::numeric / nullif(b.sessions_365d, 0),
        'dwell_minutes_per_session_365d', b.dwell_seconds / 60 / nullif(b.sessions_365d, 0),
        'visit_recency_days', as_of_date - b.last_visit,
        'reviews_365d', coalesce(b.reviews_365d, 0),
        'reviews_per_order', b.reviews / o.orders,
        'mean_rating', b.rating_sum / nullif(b.rated_reviews, 0),
        'poor_rating_share', b.poor_reviews / nullif(b.rated_reviews, 0),
        'review_length_chars', b.review_chars / nullif(b.reviews, 0),
        'age_years', extract(year from as_of_date) - n.birth_year
    ) as facts
from ordering as o
cross join cancelled as x
cross join gaps as g
cross join products as p
cross join categories as c
cross join browsing as b
cross join born as n
where o.orders > 0
$live$
