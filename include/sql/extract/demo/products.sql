-- Purpose: the demo shop's catalogue.
-- Grain: a row of demo.products. Parameters: none; the shop knows only what it sells now.
select
    btrim(product_code) as product_id,
    title as name,
    category,
    list_price as price,
    null as image,
    available
from demo.products
