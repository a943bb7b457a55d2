-- Purpose: the features of every eligible customer at an as-of date D, straight from the clean facts of all
--     history: what the roll-up, its anchors and customer_features.sql must come to. Slow, and simple.
-- Grain: customer, for one as_of_date. Inputs: core.orders, order_items, events, reviews, customers.
-- Parameters: as_of_date; identifiers: table, columns.
-- Re-run: fills a temporary table. Used by the check against a full recomputation, and by benchmarks.
-- Caveat: ratios of sums are numeric here and double precision there; compare to nine digits.
insert into {{ table }} (as_of_date, customer_id, {{ columns }})
with placed as (
    select
        o.customer_id,
        o.order_id,
        o.day,
        o.local_hour,
        o.cancelled_on < %(as_of_date)s::date as is_cancelled,
        count(*) filter (where i.quantity > 0 and i.unit_price > 0) as lines,
        count(*) filter (where i.quantity > 0 and i.unit_price > 0 and i.discount > 0) as discounted_lines,
        sum(i.quantity) filter (where i.quantity > 0 and not i.is_service) as units,
        sum(round(i.quantity * i.unit_price * 100)) filter (where i.quantity > 0) as gross_cents,
        sum(round(i.quantity * i.unit_price * 100) - i.amount_cents) filter (where i.quantity > 0)
            as discount_cents,
        -sum(i.amount_cents) filter (where i.quantity < 0) as returned_cents
    from core.orders as o
    inner join core.order_items as i on o.order_id = i.order_id
    where o.day < %(as_of_date)s::date
    group by o.order_id
),

ordering as (
    select
        customer_id,
        day,
        count(*) filter (where lines > 0 and is_cancelled) as cancelled_orders,
        count(*) filter (where lines > 0 and is_cancelled is not true) as orders,
        count(*) filter (
            where lines > 0 and is_cancelled is not true and extract(isodow from day) >= 6
        ) as weekend_orders,
        count(*) filter (
            where lines > 0 and is_cancelled is not true and local_hour between 5 and 11
        ) as morning_orders,
        count(*) filter (
            where lines > 0 and is_cancelled is not true and local_hour between 17 and 21
        ) as evening_orders,
        count(*) filter (
            where lines > 0 and is_cancelled is not true and (local_hour >= 22 or local_hour < 5)
        ) as night_orders,
        coalesce(sum(lines) filter (where is_cancelled is not true), 0) as lines,
        coalesce(sum(discounted_lines) filter (where is_cancelled is not true), 0) as discounted_lines,
        coalesce(sum(units) filter (where is_cancelled is not true), 0) as units,
        coalesce(sum(gross_cents) filter (where is_cancelled is not true), 0) as gross_cents,
        coalesce(sum(discount_cents) filter (where is_cancelled is not true), 0) as discount_cents,
        coalesce(sum(returned_cents) filter (where is_cancelled is not true), 0) as returned_cents
    from placed
    group by customer_id, day
),

browsing as (
    select
        customer_id,
        day,
        count(distinct session_id) as sessions,
        count(*) filter (where event_type = 'view') as views,
        count(*) filter (where event_type = 'cart') as carts,
        coalesce(sum(duration_seconds), 0) as dwell_seconds
    from core.events
    where day < %(as_of_date)s::date
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
    where day < %(as_of_date)s::date
    group by customer_id, day
),

days as (
    select
        customer_id,
        day,
        %(as_of_date)s::date - day as age_days,
        date_trunc('month', day) as month,
        coalesce(o.cancelled_orders, 0) as cancelled_orders,
        coalesce(o.orders, 0) as orders,
        coalesce(o.weekend_orders, 0) as weekend_orders,
        coalesce(o.morning_orders, 0) as morning_orders,
        coalesce(o.evening_orders, 0) as evening_orders,
        coalesce(o.night_orders, 0) as night_orders,
        coalesce(o.lines, 0) as lines,
        coalesce(o.discounted_lines, 0) as discounted_lines,
        coalesce(o.units, 0) as units,
        coalesce(o.gross_cents, 0) as gross_cents,
        coalesce(o.discount_cents, 0) as discount_cents,
        coalesce(o.returned_cents, 0) as returned_cents,
        coalesce(b.sessions, 0) as sessions,
        coalesce(b.views, 0) as views,
        coalesce(b.carts, 0) as carts,
        coalesce(b.dwell_seconds, 0) as dwell_seconds,
        coalesce(r.reviews, 0) as reviews,
        coalesce(r.rated_reviews, 0) as rated_reviews,
        coalesce(r.rating_sum, 0) as rating_sum,
        coalesce(r.poor_reviews, 0) as poor_reviews,
        coalesce(r.review_chars, 0) as review_chars
    from ordering as o
    full join browsing as b using (customer_id, day)
    full join reviewing as r using (customer_id, day)
),

totals as (
    select
        customer_id,
        max(day) filter (where orders > 0) as last_order_day,
        min(day) filter (where orders > 0) as first_order_day,
        count(*) filter (where orders > 0) as order_days,
        count(distinct month) filter (where orders > 0) as active_months,
        sum(orders) as orders,
        sum(cancelled_orders) as cancelled_orders,
        sum(lines) as lines,
        sum(discounted_lines) as discounted_lines,
        sum(units) as units,
        sum(gross_cents) as gross_cents,
        sum(discount_cents) as discount_cents,
        sum(returned_cents) as returned_cents,
        sum(weekend_orders) as weekend_orders,
        sum(morning_orders) as morning_orders,
        sum(evening_orders) as evening_orders,
        sum(night_orders) as night_orders,
        sum(orders) filter (where age_days <= 30) as orders_30d,
        sum(orders) filter (where age_days <= 90) as orders_90d,
        sum(orders) filter (where age_days <= 365) as orders_365d,
        sum(gross_cents - discount_cents - returned_cents) filter (where age_days <= 30) as spend_cents_30d,
        sum(gross_cents - discount_cents - returned_cents) filter (where age_days <= 90) as spend_cents_90d,
        sum(gross_cents - discount_cents - returned_cents) filter (where age_days <= 365) as spend_cents_365d,
        sum(gross_cents) filter (where age_days <= 90) as gross_cents_90d,
        sum(gross_cents) filter (where age_days > 90 and age_days <= 180) as gross_cents_90d_before,
        max(day) filter (where sessions > 0) as last_visit_day,
        sum(sessions) filter (where age_days <= 90) as sessions_90d,
        sum(sessions) filter (where age_days <= 365) as sessions_365d,
        sum(views) filter (where age_days <= 365) as views_365d,
        sum(carts) filter (where age_days <= 365) as carts_365d,
        sum(dwell_seconds) filter (where age_days <= 365) as dwell_seconds_365d,
        sum(reviews) as reviews,
        sum(reviews) filter (where age_days <= 365) as reviews_365d,
        sum(rated_reviews) as rated_reviews,
        sum(rating_sum) as rating_sum,
        sum(poor_reviews) as poor_reviews,
        sum(review_chars) as review_chars
    from days
    group by customer_id
    having sum(orders) > 0
),

gaps as (
    select
        customer_id,
        stddev_pop(gap) / nullif(avg(gap), 0) as variation
    from (
        select
            customer_id,
            day - lag(day) over (partition by customer_id order by day) as gap
        from days
        where orders > 0
    ) as order_gaps
    group by customer_id
    having count(gap) >= 2
),

mix as (
    select
        i.customer_id,
        i.category,
        i.product_id,
        count(*) as lines
    from core.order_items as i
    inner join core.orders as o on i.order_id = o.order_id
    where
        i.day >= %(as_of_date)s::date - 365 and i.day < %(as_of_date)s::date
        and i.quantity > 0 and i.unit_price > 0 and not i.is_service
        and (o.cancelled_on is null or o.cancelled_on >= %(as_of_date)s::date)
    group by i.customer_id, i.category, i.product_id
),

products as (
    select
        customer_id,
        count(distinct product_id) as distinct_products,
        sum(lines) as lines
    from mix
    group by customer_id
),

categories as (
    select
        customer_id,
        count(*) as distinct_categories,
        -- -sum p ln p, with p = lines / total, rounded so that no order of summation shows
        round((ln(sum(lines)) - sum(lines * ln(lines)) / sum(lines))::numeric, 9) as entropy
    from (
        select
            customer_id,
            category,
            sum(lines) as lines
        from mix
        where category is not null
        group by customer_id, category
    ) as by_category
    group by customer_id
),

attributes as (
    select
        customer_id,
        birth_year,
        gender,
        country
    from core.customers
    where valid_from < %(as_of_date)s::date and valid_to >= %(as_of_date)s::date
),

final as (
    select
        t.customer_id,
        %(as_of_date)s::date - t.last_order_day as recency_days,
        t.orders as frequency_orders,
        (t.gross_cents - t.discount_cents - t.returned_cents) / 100.0 as monetary,
        %(as_of_date)s::date - t.first_order_day as tenure_days,
        (t.gross_cents - t.discount_cents) / 100.0 / t.orders as average_order_value,
        coalesce(t.orders_30d, 0) as orders_30d,
        coalesce(t.orders_90d, 0) as orders_90d,
        coalesce(t.orders_365d, 0) as orders_365d,
        coalesce(t.spend_cents_30d, 0) / 100.0 as spend_30d,
        coalesce(t.spend_cents_90d, 0) / 100.0 as spend_90d,
        coalesce(t.spend_cents_365d, 0) / 100.0 as spend_365d,
        coalesce(
            (coalesce(t.gross_cents_90d, 0) - coalesce(t.gross_cents_90d_before, 0))::numeric
            / nullif(coalesce(t.gross_cents_90d, 0) + coalesce(t.gross_cents_90d_before, 0), 0), 0
        ) as spend_trend_90d,
        (t.last_order_day - t.first_order_day)::numeric / nullif(t.order_days - 1, 0) as order_gap_mean_days,
        g.variation as order_gap_variation,
        t.orders::numeric / t.active_months as orders_per_active_month,
        t.active_months::numeric / (
            1 + 12 * (
                extract(year from %(as_of_date)s::date - 1) - extract(year from t.first_order_day)
            ) + extract(month from %(as_of_date)s::date - 1) - extract(month from t.first_order_day)
        ) as active_month_share,
        t.units / t.orders as units_per_order,
        t.lines::numeric / t.orders as lines_per_order,
        coalesce(p.distinct_products, 0) as distinct_products_365d,
        coalesce(c.distinct_categories, 0) as distinct_categories_365d,
        coalesce(c.entropy, 0) as category_entropy_365d,
        coalesce(1 - p.distinct_products::numeric / p.lines, 0) as product_repeat_share_365d,
        t.discount_cents::numeric / nullif(t.gross_cents, 0) as discount_share,
        t.discounted_lines::numeric / nullif(t.lines, 0) as discounted_line_share,
        least(t.returned_cents::numeric / nullif(t.gross_cents, 0), 1) as return_rate,
        t.cancelled_orders::numeric / (t.orders + t.cancelled_orders) as cancelled_order_share,
        t.weekend_orders::numeric / t.orders as weekend_order_share,
        t.morning_orders::numeric / t.orders as morning_order_share,
        t.evening_orders::numeric / t.orders as evening_order_share,
        t.night_orders::numeric / t.orders as night_order_share,
        coalesce(t.sessions_90d, 0) as sessions_90d,
        t.views_365d::numeric / nullif(t.sessions_365d, 0) as views_per_session_365d,
        t.carts_365d::numeric / nullif(t.sessions_365d, 0) as cart_rate_365d,
        t.orders_365d::numeric / nullif(t.sessions_365d, 0) as conversion_365d,
        t.dwell_seconds_365d / 60 / nullif(t.sessions_365d, 0) as dwell_minutes_per_session_365d,
        %(as_of_date)s::date - t.last_visit_day as visit_recency_days,
        coalesce(t.reviews_365d, 0) as reviews_365d,
        t.reviews::numeric / t.orders as reviews_per_order,
        t.rating_sum / nullif(t.rated_reviews, 0) as mean_rating,
        t.poor_reviews::numeric / nullif(t.rated_reviews, 0) as poor_rating_share,
        t.review_chars::numeric / nullif(t.reviews, 0) as review_length_chars,
        extract(year from %(as_of_date)s::date) - a.birth_year as age_years,
        a.gender,
        a.country
    from totals as t
    left join gaps as g on t.customer_id = g.customer_id
    left join products as p on t.customer_id = p.customer_id
    left join categories as c on t.customer_id = c.customer_id
    left join attributes as a on t.customer_id = a.customer_id
)

select
    %(as_of_date)s::date,
    customer_id,
    {{ columns }}
from final
