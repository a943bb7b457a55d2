-- Purpose: the products that recommendations are made of, with a number each, and whether they may be
--     recommended.
-- Grain: product. Inputs: features.customer_product_day of the last days, core.products as of the date.
-- Parameters: as_of_date; days: of orders that are looked at; unsold_days: not bought for so long, it is taken
--     to be out of sale; min_buyers: customers it was bought by at least; most: products at most, by buyers.
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
    select
        product_id,
        max(category) as category,
        count(distinct customer_id) as buyers,
        max(day) as last_bought
    from features.customer_product_day
    where
        day >= %(as_of_date)s::date - %(days)s and day < %(as_of_date)s::date
        and (cancelled_on is null or cancelled_on >= %(as_of_date)s::date)
    group by product_id
    having count(distinct customer_id) >= %(min_buyers)s
    order by count(distinct customer_id) desc, product_id
    limit %(most)s
)

select
    (row_number() over (order by b.product_id))::integer as product_number,
    b.product_id,
    c.name,
    coalesce(c.category, b.category) as category,
    b.last_bought >= %(as_of_date)s::date - %(unsold_days)s
    and (coalesce(c.is_available, false) or not exists (select from catalogue)) as is_sold
from bought as b
left join catalogue as c on b.product_id = c.product_id
