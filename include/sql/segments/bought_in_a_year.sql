-- Purpose: the products of each customer's last 365 days, as they are carried from night to night.
-- Grain: customer and product. Inputs: features.customer_diversity, of the slot of the date.
-- Parameters: slot. Read only.
select
    d.customer_id,
    p.product_id
from features.customer_diversity as d
cross join lateral unnest(d.product_ids) as p (product_id)
where d.slot = %(slot)s
