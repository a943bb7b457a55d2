-- Purpose: the customers whose history is counted from all of their days when it moves to a later date.
-- Grain: customer. Inputs: features.customer_day_cancelled, customer_day, customer_history.
-- Parameters: before: the date at which the history stands; as_of_date. Read only.
select customer_id
from features.customer_day_cancelled
where cancelled_on >= %(before)s::date and cancelled_on < %(as_of_date)s::date and day < %(as_of_date)s::date
union
-- a first order: what the customer did before it was not carried
select d.customer_id
from features.customer_day as d
where
    d.day >= %(before)s::date and d.day < %(as_of_date)s::date and d.orders > 0
    and not exists (select from features.customer_history as h where h.customer_id = d.customer_id)
