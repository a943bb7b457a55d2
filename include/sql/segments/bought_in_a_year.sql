-- Purpose: the products of each customer's last 365 days, as they are carried from night to night.
-- Grain: customer. Inputs: features.customer_diversity, of the slot of the date.
-- Parameters: slot. Read only.
select
    customer_id,
    product_ids
from features.customer_diversity
where slot = %(slot)s
