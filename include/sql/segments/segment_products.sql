-- Purpose: what each segment buys more than the others, for recommendation.
-- Grain: segment and product, for one as_of_date.
-- Inputs: the staged partition, features.customer_product_day of the last days.
-- Parameters: as_of_date, run_id, days, most, min_customers; identifiers: table.
-- Re-run: the date's rows were deleted before.
-- Caveat: equals share a rank and none is cut off, so that a segment may have more than `most` products.
--     Service lines, returns and cancelled orders do not count.
insert into segments.segment_products
(
    as_of_date, segment_id, product_id, run_id, rank, category, customers, support, support_others, lift
)
with sizes as (
    select
        segment_id,
        count(*) as customers,
        sum(count(*)) over () as everybody
    from {{ table }}
    group by segment_id
),

bought as (
    select
        customer_id,
        product_id,
        max(category) as category
    from features.customer_product_day
    where
        day >= %(as_of_date)s::date - %(days)s and day < %(as_of_date)s::date
        and (cancelled_on is null or cancelled_on >= %(as_of_date)s::date)
    group by customer_id, product_id
),

by_segment as (
    select
        t.segment_id,
        b.product_id,
        count(*) as buyers
    from bought as b
    inner join {{ table }} as t on b.customer_id = t.customer_id
    group by t.segment_id, b.product_id
),

shares as (
    select
        b.segment_id,
        b.product_id,
        b.buyers,
        b.buyers::numeric / s.customers as support,
        sum(b.buyers) over (partition by b.product_id) / s.everybody as support_all,
        (sum(b.buyers) over (partition by b.product_id) - b.buyers)
        / nullif(s.everybody - s.customers, 0) as support_others
    from by_segment as b
    inner join sizes as s on b.segment_id = s.segment_id
),

ranked as (
    select
        segment_id,
        product_id,
        buyers,
        support,
        support_others,
        support / support_all as lift,
        rank() over (
            partition by segment_id
            order by round(support * ln(support / support_all), 12) desc
        ) as place
    from shares
    where support > support_all and buyers >= %(min_customers)s
),

categories as (
    select
        b.product_id,
        max(b.category) as category
    from bought as b
    where b.product_id in (select r.product_id from ranked as r where r.place <= %(most)s)
    group by b.product_id
)

select
    %(as_of_date)s,
    r.segment_id,
    r.product_id,
    %(run_id)s,
    r.place,
    c.category,
    r.buyers,
    round(r.support, 6),
    round(coalesce(r.support_others, 0), 6),
    round(r.lift, 6)
from ranked as r
inner join categories as c on r.product_id = c.product_id
where r.place <= %(most)s
