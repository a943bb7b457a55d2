-- Purpose: what the gate of the recommendations asks of the staged lists.
-- Grain: one row, a column a metric. Inputs: the staged lists, customers and products.
-- Parameters: none; identifiers: lists, customers, products. Re-run: reads only.
with recommended as (
    select
        r.product,
        count(*) as times
    from {{ lists }} as l
    cross join lateral unnest(l.products) as r (product)
    group by r.product
),

unsold as (
    select coalesce(sum(r.times), 0) as unsold_recommended
    from recommended as r
    left join {{ products }} as p on r.product = p.product_number
    where not coalesce(p.is_sold, false)
),

twice as (
    select
        coalesce(
            sum(
                cardinality(l.products)
                - (select count(distinct r.product) from unnest(l.products) as r (product))
            ), 0
        ) as recommended_twice
    from {{ lists }} as l
),

customers as (
    select
        count(*) as row_count,
        count(*) filter (where l.number is null) as without_recommendation
    from {{ customers }} as c
    left join {{ lists }} as l on c.number = l.number
)

select
    u.*,
    t.*,
    c.*,
    c.without_recommendation::float8 / nullif(c.row_count, 0) as without_recommendation_share
from unsold as u
cross join twice as t
cross join customers as c
