-- Purpose: the customers of a sample who have ordered, whether or not it was cancelled.
-- Grain: customer. Inputs: features.customer_history, customer_day_cancelled, customer_day of the days since.
-- Parameters: none; identifiers: condition: on customer_id; ordered_since: on the days from the one on at which
--     customer_history stands. Read only.
select customer_id
from features.customer_history
where {{ condition }}
union
select customer_id
from features.customer_day_cancelled
where {{ condition }}
union
select customer_id
from features.customer_day
where {{ ordered_since }} and {{ condition }}
order by customer_id
