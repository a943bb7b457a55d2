-- Purpose: the features of every eligible customer at an as-of date D, straight from the clean facts of all
--     history: what the roll-up, its checkpoints and customer_features.sql must come to. Slow, and simple.
--     Of one customer it is what live.sql computes.
-- Grain: customer, for one as_of_date. Inputs: core.orders, order_items, customers; browsed.sql.
-- Parameters: identifiers: as_of_date (D: a bound value, or the argument of a function), whom (a condition on
--     customer_id, or true), browsed (browsed.sql, or a table of the same columns), columns (the expressions
--     of include/config/features.yaml over the blocks of `sums`).
-- Re-run: reads only. Used by the check against a full recomputation, by live.sql, and by benchmarks.
-- Caveat: the blocks are those of customer_features.sql, computed another way; compare to nine digits.
with placed_orders as not materialized (
    select *
    from core.orders
    where day < {{ as_of_date }} and {{ whom }}
),

placed as (
    select
        o.customer_id,
        o.order_id,
        o.day,
        o.local_hour,
        o.cancelled_on < {{ as_of_date }} as is_cancelled,
        count(*) filter (where i.quantity > 0 and i.unit_price > 0) as lines,
        count(*) filter (where i.quantity > 0 and i.unit_price > 0 and i.discount > 0) as discounted_lines,
        sum(i.quantity) filter (where i.quantity > 0 and not i.is_service) as units,
        sum(round(i.quantity * i.unit_price * 100)) filter (where i.quantity > 0) as gross_cents,
        sum(round(i.quantity * i.unit_price * 100) - i.amount_cents) filter (where i.quantity > 0)
            as discount_cents,
        -sum(i.amount_cents) filter (where i.quantity < 0) as returned_cents
    from placed_orders as o
    inner join core.order_items as i on o.order_id = i.order_id
    group by o.customer_id, o.order_id, o.day, o.local_hour, o.cancelled_on
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
    select file.*
    from (
        {{ browsed }}
    ) as file
    where file.day < {{ as_of_date }}
),

days as (
    select
        customer_id,
        day,
        {{ as_of_date }} - day as age_days,
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
        coalesce(b.reviews, 0) as reviews,
        coalesce(b.rated_reviews, 0) as rated_reviews,
        coalesce(b.rating_sum, 0) as rating_sum,
        coalesce(b.poor_reviews, 0) as poor_reviews,
        coalesce(b.review_chars, 0) as review_chars
    from ordering as o
    full join browsing as b using (customer_id, day)
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
        sum(sessions) as sessions,
        sum(views) as views,
        sum(carts) as carts,
        sum(dwell_seconds) as dwell_seconds,
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
        sum(gap * gap) as gap_squares
    from (
        select
            customer_id,
            day - lag(day) over (partition by customer_id order by day) as gap
        from days
        where orders > 0
    ) as order_gaps
    group by customer_id
),

diversity as (
    select
        o.customer_id,
        i.category,
        i.product_id,
        count(*) as lines
    from placed_orders as o
    inner join core.order_items as i on o.order_id = i.order_id
    where
        o.day >= {{ as_of_date }} - 365
        and i.quantity > 0 and i.unit_price > 0 and not i.is_service
        and (o.cancelled_on is null or o.cancelled_on >= {{ as_of_date }})
    group by o.customer_id, i.category, i.product_id
),

products as (
    select
        customer_id,
        count(distinct product_id) as products,
        sum(lines) as lines
    from diversity
    group by customer_id
),

categories as (
    select
        customer_id,
        count(*) as categories,
        -- -sum p ln p, with p = lines / total, rounded so that no order of summation shows
        round((ln(sum(lines)) - sum(lines * ln(lines)) / sum(lines))::numeric, 9) as entropy
    from (
        select
            customer_id,
            category,
            sum(lines) as lines
        from diversity
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
    where valid_from < {{ as_of_date }} and valid_to >= {{ as_of_date }} and {{ whom }}
),

sums as (
    select
        t.customer_id,
        t.orders,
        t.cancelled_orders,
        t.weekend_orders,
        t.morning_orders,
        t.evening_orders,
        t.night_orders,
        t.lines,
        t.discounted_lines,
        t.units,
        t.gross_cents,
        t.discount_cents,
        t.returned_cents,
        t.order_days,
        t.active_months,
        coalesce(g.gap_squares, 0) as gap_squares,
        {{ as_of_date }} - t.first_order_day as days_since_first_order,
        {{ as_of_date }} - t.last_order_day as days_since_last_order,
        1 + 12 * (extract(year from {{ as_of_date }} - 1) - extract(year from t.first_order_day))
        + extract(month from {{ as_of_date }} - 1) - extract(month from t.first_order_day)
            as months_since_first_order,
        coalesce(t.orders_30d, 0) as orders_30d,
        coalesce(t.orders_90d, 0) as orders_90d,
        coalesce(t.orders_365d, 0) as orders_365d,
        coalesce(t.spend_cents_30d, 0) as spend_cents_30d,
        coalesce(t.spend_cents_90d, 0) as spend_cents_90d,
        coalesce(t.spend_cents_365d, 0) as spend_cents_365d,
        coalesce(t.gross_cents_90d, 0) as gross_cents_90d,
        coalesce(t.gross_cents_90d_before, 0) as gross_cents_90d_before,
        coalesce(p.products, 0) as products_365d,
        coalesce(p.lines, 0) as product_lines_365d,
        coalesce(c.categories, 0) as categories_365d,
        coalesce(c.entropy, 0) as category_entropy_365d,
        t.sessions,
        t.views,
        t.carts,
        t.dwell_seconds,
        {{ as_of_date }} - t.last_visit_day as days_since_last_visit,
        coalesce(t.sessions_90d, 0) as sessions_90d,
        coalesce(t.sessions_365d, 0) as sessions_365d,
        coalesce(t.views_365d, 0) as views_365d,
        coalesce(t.carts_365d, 0) as carts_365d,
        coalesce(t.dwell_seconds_365d, 0) as dwell_seconds_365d,
        t.reviews,
        t.rated_reviews,
        t.poor_reviews,
        t.rating_sum,
        t.review_chars,
        coalesce(t.reviews_365d, 0) as reviews_365d,
        extract(year from {{ as_of_date }}) as as_of_year,
        a.birth_year,
        a.gender,
        a.country
    from totals as t
    left join gaps as g on t.customer_id = g.customer_id
    left join products as p on t.customer_id = p.customer_id
    left join categories as c on t.customer_id = c.customer_id
    left join attributes as a on t.customer_id = a.customer_id
)

select
    {{ as_of_date }} as as_of_date,
    customer_id,
    {{ columns }}
from sums
