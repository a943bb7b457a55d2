-- Purpose: the product reviews of the demo shop.
-- Grain: a row of demo.reviews; some are there twice.
-- Parameters: start, end: instants, half-open, on created_at.
-- Caveats: stars are given out as they are; a few are missing or out of range.
select
    review_no::text as review_id,
    nullif(regexp_replace(btrim(customer_no), '\.0$', ''), '') as customer_id,
    btrim(product_code) as product_id,
    created_at as reviewed_at,
    stars::numeric as rating,
    body
from demo.reviews
where
    created_at >= %(start)s
    and created_at < %(end)s
