-- Purpose: what the products of a customer's last 365 days are a mix of.
-- Grain: customer, for one slot. Inputs: features.customer_product_day of the 365 days.
-- Parameters: as_of_date, slot; identifier: source: customer_product_day, or, of some customers only,
--     touched_lines.sql.
-- Re-run: the rows were deleted before.
-- Caveat: lines of orders cancelled before the date are left out; services, gifts and returns are not there.
insert into features.customer_mix (slot, customer_id, products, lines, categories, entropy)
with mix as (
    select
        customer_id,
        category,
        product_id,
        sum(lines) as lines
    from {{ source }}
    where
        day >= %(as_of_date)s::date - 365 and day < %(as_of_date)s::date
        and (cancelled_on is null or cancelled_on >= %(as_of_date)s::date)
    group by customer_id, category, product_id
),

products as (
    select
        customer_id,
        count(distinct product_id) as products,
        sum(lines) as lines
    from mix
    group by customer_id
),

by_category as (
    select
        customer_id,
        category,
        sum(lines)::double precision as lines
    from mix
    where category is not null
    group by customer_id, category
),

categories as (
    select
        customer_id,
        count(*) as categories,
        -- -sum p ln p, with p = lines / total, rounded so that no order of summation shows
        round((ln(sum(lines)) - sum(lines * ln(lines)) / sum(lines))::numeric, 9) as entropy
    from by_category
    group by customer_id
)

select
    %(slot)s,
    p.customer_id,
    p.products,
    p.lines,
    coalesce(c.categories, 0),
    coalesce(c.entropy, 0)
from products as p
left join categories as c on p.customer_id = c.customer_id
order by p.customer_id
