-- Purpose: what each segment buys more than the others.
-- Grain: segment and product. Inputs: segments.segment_products.
-- Parameters: as_of_date, run_id, most (ranks). Read only. Caveat: equals share a rank, so there may be more.
select
    segment_id,
    product_id,
    name,
    category,
    customers,
    support,
    support_others,
    lift,
    rank
from segments.segment_products
where as_of_date = %(as_of_date)s and run_id = %(run_id)s and rank <= %(most)s
order by segment_id, rank, product_id
