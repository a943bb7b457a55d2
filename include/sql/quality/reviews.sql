-- Purpose: what the source gate asks of the reviews just extracted.
-- Grain: one row, a column a metric; a share is the lower of the whole window's and of its newest day's.
-- Inputs: staging.reviews of the window (one pass).
-- Parameters: first (null: all history), end: the window's days; min_rows.
-- Re-run: reads only.
with days as (
    select
        day,
        count(*) as row_count,
        day = %(end)s::date - 1 and count(*) >= %(min_rows)s as is_scope,
        count(nullif(btrim(review_id), '')) as with_id,
        count(nullif(btrim(customer_id), '')) as with_customer,
        count(reviewed_at) as with_instant,
        count(rating) as with_rating,
        count(*) filter (where rating between 1 and 5) as with_plausible_rating
    from staging.reviews
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by day
),

by_scope as (
    select
        sum(d.row_count) as row_count,
        sum(d.with_id) as with_id,
        sum(d.with_customer) as with_customer,
        sum(d.with_instant) as with_instant,
        sum(d.with_rating) as with_rating,
        sum(d.with_plausible_rating) as with_plausible_rating
    from days as d
    inner join (values ('window'), ('newest day')) as s (scope) on s.scope = 'window' or d.is_scope
    group by s.scope
),

shares as (
    select
        coalesce(max(row_count), 0) as row_count,
        min(with_id / row_count) as id_present_share,
        min(with_customer / row_count) as customer_present_share,
        min(with_instant / row_count) as instant_present_share,
        min(with_plausible_rating / nullif(with_rating, 0)) as plausible_rating_share
    from by_scope
)

select *
from shares
