-- Purpose: the products that recommendations are made of, with a number each, and whether they may be
--     recommended.
-- Grain: product. Inputs: the staged products that were bought (products_sold.sql), core.products as of the date.
-- Parameters: as_of_date; numbers: the numbers of those with enough buyers; unsold_days: not bought for so long, a
--     product is taken to be out of sale; identifier: sold.
-- Re-run: reads only.
-- Caveat: where there is a catalogue, what is not in it, or not available, is not recommended.
with catalogue as (
    select
        product_id,
        name,
        category,
        is_available
    from core.products
    where valid_from < %(as_of_date)s::date and %(as_of_date)s::date <= valid_to
),

bought as (
    select *
    from {{ sold }}
    where product_number = any(%(numbers)s)
)

select
    (row_number() over (order by b.product_number))::integer as product_number,
    b.product_id,
    c.name,
    coalesce(c.category, b.category) as category,
    b.last_bought >= %(as_of_date)s::date - %(unsold_days)s
    and (coalesce(c.is_available, false) or not exists (select from catalogue)) as is_sold
from bought as b
left join catalogue as c on b.product_id = c.product_id
