-- Purpose: what each cluster buys more than the others, for recommendation; published as segment_products.
-- Grain: cluster and product. Inputs: the staged assignment; bought: the products of each customer's last days;
--     features.customer_product_day of these days, for categories that core.products lacks as of the date.
-- Parameters: as_of_date, days, most, min_customers, min_support, min_lift: bounds of what is worth telling; those
--     of bought; identifiers: assignments; bought: a statement of customer_id and product_ids, each pair once.
--     Read only.
-- Caveat: equals share a rank and none is cut off, so that a segment may have more than `most` products.
--     Service lines, returns and cancelled orders do not count. Of several categories of a product's lines, those
--     of the last month come first, then the last one in the order of words.
with sizes as (
    select
        cluster,
        count(*) as customers,
        sum(count(*)) over () as everybody
    from {{ assignments }}
    group by cluster
),

bought as (
    {{ bought }}
),

-- lists in the columns of a select cost less than a function that is joined
bought_by_cluster as (
    select
        a.cluster,
        unnest(b.product_ids) as product_id
    from bought as b
    inner join {{ assignments }} as a on b.customer_id = a.customer_id
),

by_cluster as (
    select
        cluster,
        product_id,
        count(*) as buyers
    from bought_by_cluster
    group by cluster, product_id
),

shares as (
    select
        b.cluster,
        b.product_id,
        b.buyers,
        b.buyers::numeric / s.customers as support,
        sum(b.buyers) over (partition by b.product_id) / s.everybody as support_all,
        (sum(b.buyers) over (partition by b.product_id) - b.buyers)
        / nullif(s.everybody - s.customers, 0) as support_others
    from by_cluster as b
    inner join sizes as s on b.cluster = s.cluster
),

ranked as (
    select
        cluster,
        product_id,
        buyers,
        support,
        support_others,
        support / support_all as lift,
        rank() over (
            partition by cluster
            order by round(support * ln(support / support_all), 12) desc
        ) as place
    from shares
    where
        support > support_all and buyers >= %(min_customers)s
        and support >= %(min_support)s and support >= support_all * %(min_lift)s
),

listed as materialized (
    select
        r.*,
        p.name,
        p.category
    from ranked as r
    left join core.products as p
        on
            r.product_id = p.product_id
            and p.valid_from < %(as_of_date)s::date and %(as_of_date)s::date <= p.valid_to
    where r.place <= %(most)s
),

-- products without a category in the catalogue have that of their lines: of the last month, which are few, or, where
-- there is none, of all the days
recent as materialized (
    select
        l.product_id,
        max(l.category) as category
    from features.customer_product_day as l
    where
        -- asked once, and where it is not so no line is read
        exists (select from listed as r where r.category is null)
        and l.product_id = any(array(select r.product_id from listed as r where r.category is null))
        and l.day >= %(as_of_date)s::date - least(%(days)s, 31) and l.day < %(as_of_date)s::date
        and (l.cancelled_on is null or l.cancelled_on >= %(as_of_date)s::date)
        and exists (select from {{ assignments }} as a where a.customer_id = l.customer_id)
    group by l.product_id
),

not_recent as materialized (
    select r.product_id
    from listed as r
    where r.category is null and not exists (select from recent as c where c.product_id = r.product_id)
),

-- once, and not once a product
categories as materialized (
    select
        product_id,
        category
    from recent
    union all
    select
        l.product_id,
        max(l.category) as category
    from features.customer_product_day as l
    where
        exists (select from not_recent)
        and l.product_id = any(array(select r.product_id from not_recent as r))
        and l.day >= %(as_of_date)s::date - %(days)s and l.day < %(as_of_date)s::date
        and (l.cancelled_on is null or l.cancelled_on >= %(as_of_date)s::date)
        and exists (select from {{ assignments }} as a where a.customer_id = l.customer_id)
    group by l.product_id
)

select
    r.cluster,
    r.product_id,
    r.place as rank,
    r.name,
    coalesce(r.category, c.category) as category,
    r.buyers as customers,
    round(r.support, 6) as support,
    round(coalesce(r.support_others, 0), 6) as support_others,
    round(r.lift, 6) as lift
from listed as r
left join categories as c on r.product_id = c.product_id
order by r.cluster, r.place, r.product_id
