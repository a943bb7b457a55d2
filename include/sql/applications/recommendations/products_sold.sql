-- Purpose: number the products that were bought, of which recommendations may be made.
-- Grain: product. Inputs: features.customer_product_day of the last days.
-- Parameters: as_of_date; days: of orders that are looked at. Re-run: reads only.
with bought as (
    select
        product_id,
        max(category) as category,
        max(day) as last_bought
    from features.customer_product_day
    where
        day >= %(as_of_date)s::date - %(days)s and day < %(as_of_date)s::date
        and (cancelled_on is null or cancelled_on >= %(as_of_date)s::date)
    group by product_id
)

select
    (row_number() over (order by product_id))::integer as product_number,
    product_id,
    category,
    last_bought
from bought
