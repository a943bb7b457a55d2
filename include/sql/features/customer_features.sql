-- Purpose: the features of every eligible customer at an as-of date D; each is defined in
--     include/config/features.yaml, under the name of its column.
-- Grain: customer, for one as_of_date.
-- Inputs: features.customer_day, customer_day_cancelled, core.order_items, core.customers.
-- Parameters: as_of_date; identifiers: table, columns (the features that the source allows). Every fact is of
--     a day before the as-of date, a cancellation too.
-- Re-run: fills a table of the run, which takes the place of the date's partition.
-- Caveat: eligible is a customer with at least one order that counts (a line with quantity > 0 and
--     unit_price > 0) and is not cancelled before D.
insert into {{ table }} (as_of_date, customer_id, {{ columns }})
with placed as (
    select
        cd.*,
        0 as cancelled_orders
    from features.customer_day as cd
    where cd.day < %(as_of_date)s::date
),

taken_off as (
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
        sum(gross_cents) as gross_cents,
        sum(discount_cents) as discount_cents,
        sum(return_lines) as return_lines,
        sum(returned_cents) as returned_cents
    from features.customer_day_cancelled
    where day < %(as_of_date)s::date and cancelled_on < %(as_of_date)s::date
    group by customer_id, day
),

days as (
    select
        p.customer_id,
        p.day,
        %(as_of_date)s::date - p.day as age_days,
        date_trunc('month', p.day) as month,
        coalesce(t.orders, 0) as cancelled_orders,
        p.orders - coalesce(t.orders, 0) as orders,
        p.weekend_orders - coalesce(t.weekend_orders, 0) as weekend_orders,
        p.morning_orders - coalesce(t.morning_orders, 0) as morning_orders,
        p.afternoon_orders - coalesce(t.afternoon_orders, 0) as afternoon_orders,
        p.evening_orders - coalesce(t.evening_orders, 0) as evening_orders,
        p.night_orders - coalesce(t.night_orders, 0) as night_orders,
        p.lines - coalesce(t.lines, 0) as lines,
        p.discounted_lines - coalesce(t.discounted_lines, 0) as discounted_lines,
        p.units - coalesce(t.units, 0) as units,
        p.gross_cents - coalesce(t.gross_cents, 0) as gross_cents,
        p.discount_cents - coalesce(t.discount_cents, 0) as discount_cents,
        p.return_lines - coalesce(t.return_lines, 0) as return_lines,
        p.returned_cents - coalesce(t.returned_cents, 0) as returned_cents,
        p.sessions,
        p.views,
        p.carts,
        p.dwell_seconds,
        p.reviews,
        p.rated_reviews,
        p.rating_sum,
        p.poor_reviews,
        p.review_chars
    from placed as p
    left join taken_off as t on p.customer_id = t.customer_id and p.day = t.day
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
