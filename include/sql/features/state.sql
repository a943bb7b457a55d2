-- Purpose: what all days before a date add up to: a month start that is kept, and the days since.
-- Grain: customer.
-- Inputs: features.customer_cumulative of the month start; customer_day of the days since;
--     customer_day_cancelled of the cancellations since.
-- Parameters: as_of_date; month: the month start, not after it (null: none, so that all days are read);
--     identifiers: whom: a condition on customer_id, or true; order_gaps: order_gaps.sql, or a table of it.
-- Re-run: reads only; customer_cumulative.sql and customer_features.sql include it.
-- Caveat: a cancellation is an entry of the day on which it was made, and is taken off the totals as such.
--     The gaps between order days are no total (order_gaps.sql): who is counted anew there starts at zero.
with before as (
    select *
    from features.customer_cumulative
    where month = %(month)s::date and {{ whom }}
),

since as (
    select
        customer_id,
        sum(orders) as orders,
        sum(weekend_orders) as weekend_orders,
        sum(morning_orders) as morning_orders,
        sum(evening_orders) as evening_orders,
        sum(night_orders) as night_orders,
        sum(lines) as lines,
        sum(discounted_lines) as discounted_lines,
        sum(units) as units,
        sum(gross_cents::double precision)::bigint as gross_cents,
        sum(discount_cents::double precision)::bigint as discount_cents,
        sum(returned_cents::double precision)::bigint as returned_cents,
        sum(sessions) as sessions,
        sum(views) as views,
        sum(carts) as carts,
        sum(dwell_seconds) as dwell_seconds,
        sum(reviews) as reviews,
        sum(rated_reviews) as rated_reviews,
        sum(poor_reviews) as poor_reviews,
        sum(review_chars::double precision)::bigint as review_chars,
        sum(rating_sum) as rating_sum,
        max(day) filter (where sessions > 0) as last_visit_day
    from features.customer_day
    where day >= coalesce(%(month)s::date, '-infinity') and day < %(as_of_date)s::date and {{ whom }}
    group by customer_id
),

cancelled_since as not materialized (
    select *
    from features.customer_day_cancelled
    where
        cancelled_on >= coalesce(%(month)s::date, '-infinity')
        and cancelled_on < %(as_of_date)s::date and {{ whom }}
),

taken_off as (
    select
        customer_id,
        sum(orders) as orders,
        sum(weekend_orders) as weekend_orders,
        sum(morning_orders) as morning_orders,
        sum(evening_orders) as evening_orders,
        sum(night_orders) as night_orders,
        sum(lines) as lines,
        sum(discounted_lines) as discounted_lines,
        sum(units) as units,
        sum(gross_cents::double precision)::bigint as gross_cents,
        sum(discount_cents::double precision)::bigint as discount_cents,
        sum(returned_cents::double precision)::bigint as returned_cents
    from cancelled_since
    group by customer_id
),

counted_anew as not materialized (
    select distinct customer_id
    from cancelled_since
    where day < %(month)s::date
),

order_gaps as (
    select order_gaps.*
    from (
        {{ order_gaps }}
    ) as order_gaps
),

known as (
    select
        b.*,
        case when a.customer_id is null then b.first_order_day end as first_day,
        case when a.customer_id is null then b.last_order_day end as last_day,
        case when a.customer_id is null then b.order_days end as days,
        case when a.customer_id is null then b.active_months end as months,
        case when a.customer_id is null then b.gap_squares end as squares
    from before as b
    left join counted_anew as a on b.customer_id = a.customer_id
),

final as (
    select
        customer_id,
        coalesce(k.orders, 0) + coalesce(s.orders, 0) - coalesce(t.orders, 0) as orders,
        coalesce(k.cancelled_orders, 0) + coalesce(t.orders, 0) as cancelled_orders,
        coalesce(k.weekend_orders, 0) + coalesce(s.weekend_orders, 0) - coalesce(t.weekend_orders, 0)
            as weekend_orders,
        coalesce(k.morning_orders, 0) + coalesce(s.morning_orders, 0) - coalesce(t.morning_orders, 0)
            as morning_orders,
        coalesce(k.evening_orders, 0) + coalesce(s.evening_orders, 0) - coalesce(t.evening_orders, 0)
            as evening_orders,
        coalesce(k.night_orders, 0) + coalesce(s.night_orders, 0) - coalesce(t.night_orders, 0)
            as night_orders,
        coalesce(k.lines, 0) + coalesce(s.lines, 0) - coalesce(t.lines, 0) as lines,
        coalesce(k.discounted_lines, 0) + coalesce(s.discounted_lines, 0) - coalesce(t.discounted_lines, 0)
            as discounted_lines,
        coalesce(k.days, 0) + coalesce(g.order_days, 0) as order_days,
        coalesce(k.months, 0) + coalesce(g.active_months, 0) as active_months,
        coalesce(k.first_day, g.first_order_day) as first_order_day,
        coalesce(g.last_order_day, k.last_day) as last_order_day,
        coalesce(s.last_visit_day, k.last_visit_day) as last_visit_day,
        coalesce(k.squares, 0) + coalesce(g.gap_squares, 0)
        + coalesce((g.first_order_day - k.last_day) * (g.first_order_day - k.last_day), 0) as gap_squares,
        coalesce(k.gross_cents, 0) + coalesce(s.gross_cents, 0) - coalesce(t.gross_cents, 0) as gross_cents,
        coalesce(k.discount_cents, 0) + coalesce(s.discount_cents, 0) - coalesce(t.discount_cents, 0)
            as discount_cents,
        coalesce(k.returned_cents, 0) + coalesce(s.returned_cents, 0) - coalesce(t.returned_cents, 0)
            as returned_cents,
        coalesce(k.placed_spend_cents, 0)
        + coalesce(s.gross_cents, 0) - coalesce(s.discount_cents, 0) - coalesce(s.returned_cents, 0)
            as placed_spend_cents,
        coalesce(k.sessions, 0) + coalesce(s.sessions, 0) as sessions,
        coalesce(k.views, 0) + coalesce(s.views, 0) as views,
        coalesce(k.carts, 0) + coalesce(s.carts, 0) as carts,
        coalesce(k.reviews, 0) + coalesce(s.reviews, 0) as reviews,
        coalesce(k.rated_reviews, 0) + coalesce(s.rated_reviews, 0) as rated_reviews,
        coalesce(k.poor_reviews, 0) + coalesce(s.poor_reviews, 0) as poor_reviews,
        coalesce(k.review_chars, 0) + coalesce(s.review_chars, 0) as review_chars,
        coalesce(k.units, 0) + coalesce(s.units, 0) - coalesce(t.units, 0) as units,
        coalesce(k.dwell_seconds, 0) + coalesce(s.dwell_seconds, 0) as dwell_seconds,
        coalesce(k.rating_sum, 0) + coalesce(s.rating_sum, 0) as rating_sum
    from known as k
    full join since as s using (customer_id)
    left join taken_off as t using (customer_id)
    left join order_gaps as g using (customer_id)
)

select *
from final
