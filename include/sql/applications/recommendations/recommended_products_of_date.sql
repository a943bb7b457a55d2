-- Purpose: write the products that the date's recommendations are made of.
-- Grain: as_of_date, product_number. Inputs: the staged products. Parameters: as_of_date; identifiers: products.
-- Re-run: the date's rows were deleted before.
insert into segments.recommended_products (as_of_date, product_number, product_id, name, category, is_sold)
select
    %(as_of_date)s::date,
    product_number,
    product_id,
    name,
    category,
    is_sold
from {{ products }}
