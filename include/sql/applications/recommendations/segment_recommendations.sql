-- Purpose: the products to show to a segment: those that are recommended to most of its customers.
-- Grain: as_of_date, segment, rank. Inputs: the staged lists, numbers and products, segments.customer_segments.
-- Parameters: as_of_date, most: products a segment, min_customers: of them at least; identifiers: lists,
--     customers, products. Re-run: the date's rows were deleted before.
-- Caveat: products that a customer has bought do not count; the first of a list counts as much as the last.
with recommended as (
    select
        s.segment_id,
        r.product,
        count(*) as customers
    from {{ lists }} as l
    inner join {{ customers }} as c on l.number = c.number
    inner join segments.customer_segments as s on c.customer_id = s.customer_id
    cross join lateral unnest(l.products[1:l.new_products]) as r (product)
    where s.as_of_date = %(as_of_date)s
    group by s.segment_id, r.product
),

sizes as (
    select
        segment_id,
        count(*) as customers,
        sum(count(*)) over () as everybody
    from segments.customer_segments
    where as_of_date = %(as_of_date)s
    group by segment_id
),

ranked as (
    select
        r.segment_id,
        r.product,
        r.customers,
        r.customers::numeric / s.customers as share,
        sum(r.customers) over (partition by r.product) / s.everybody as share_all,
        row_number() over (partition by r.segment_id order by r.customers desc, r.product) as rank
    from recommended as r
    inner join sizes as s on r.segment_id = s.segment_id
)

insert into segments.segment_recommendations
(as_of_date, segment_id, rank, product_id, name, category, customers, share, lift)
select
    %(as_of_date)s::date,
    r.segment_id,
    r.rank,
    p.product_id,
    p.name,
    p.category,
    r.customers,
    round(r.share, 6),
    round(r.share / r.share_all, 6)
from ranked as r
inner join {{ products }} as p on r.product = p.product_number
where r.rank <= %(most)s and r.customers >= %(min_customers)s
