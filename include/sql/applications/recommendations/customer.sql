-- Purpose: the products recommended to one customer on a date, with the reason.
-- Grain: rank. Inputs: segments.customer_recommendations by the key of its lists.
-- Parameters: as_of_date, customer_id. Read only.
select
    rank,
    product_id,
    name,
    category,
    kind,
    reason,
    because_product_id,
    because_name
from segments.customer_recommendations
where as_of_date = %(as_of_date)s and customer_id = %(customer_id)s
order by rank
