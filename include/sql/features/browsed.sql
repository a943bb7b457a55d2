-- Purpose: what customers looked at and reviewed on a day, straight from the clean facts.
-- Grain: customer and day. Inputs: core.events, core.reviews.
-- Parameters: none; identifier: whom (a condition on customer_id, or true). Read only.
-- Caveat: the columns have the names of those of features.customer_day, which may stand in its place.
with browsing as (
    select
        customer_id,
        day,
        count(distinct session_id) as sessions,
        count(*) filter (where event_type = 'view') as views,
        count(*) filter (where event_type = 'cart') as carts,
        coalesce(sum(duration_seconds), 0) as dwell_seconds
    from core.events
    where {{ whom }}
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
    where {{ whom }}
    group by customer_id, day
)

select
    customer_id,
    day,
    b.sessions,
    b.views,
    b.carts,
    b.dwell_seconds,
    r.reviews,
    r.rated_reviews,
    r.rating_sum,
    r.poor_reviews,
    r.review_chars
from browsing as b
full join reviewing as r using (customer_id, day)
