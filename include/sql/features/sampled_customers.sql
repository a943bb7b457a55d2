-- Purpose: the customers of a sample who have ordered, whether or not it was cancelled.
-- Grain: customer. Inputs: features.customer_history, customer_day_cancelled.
-- Parameters: none; identifier: condition: on customer_id. Read only.
select customer_id
from features.customer_history
where {{ condition }}
union
select customer_id
from features.customer_day_cancelled
where {{ condition }}
order by customer_id
