-- Purpose: the product diversity of a customer's last 365 days, and which products these are.
-- Grain: customer, for one slot. Inputs: features.customer_product_day of the 365 days.
-- Parameters: as_of_date, slot; identifier: source: customer_product_day, or, of some customers only,
--     touched_rows.sql.
-- Re-run: reads only.
-- Caveat: lines of orders cancelled before the date are left out; services, gifts and returns are not there.
--     A product that has changed its category is one product.
with parts as (
    select
        customer_id,
        product_id,
        category,
        grouping(category) = 1 as is_product,
        sum(coalesce(lines, 1))::double precision as lines
    from {{ source }}
    where
        day >= %(as_of_date)s::date - 365 and day < %(as_of_date)s::date
        and (cancelled_on is null or cancelled_on >= %(as_of_date)s::date)
    group by grouping sets ((customer_id, product_id), (customer_id, category))
)

select
    %(slot)s::smallint as slot,
    customer_id,
    count(*) filter (where is_product) as products,
    sum(lines) filter (where is_product) as lines,
    count(*) filter (where category is not null) as categories,
    -- -sum p ln p, with p = lines / total, rounded so that no order of summation shows
    coalesce(round((
        ln(sum(lines) filter (where category is not null))
        - sum(lines * ln(lines)) filter (where category is not null)
        / sum(lines) filter (where category is not null)
    )::numeric, 9), 0) as entropy,
    array_agg(product_id) filter (where is_product) as product_ids
from parts
group by customer_id
