-- Purpose: the customers whose product diversity may differ at a later date: lines of theirs entered the 365
--     days or left them, or were cancelled.
-- Grain: customer. Inputs: features.customer_product_day of the days that come and go; customer_day_cancelled
--     of the cancellations between the dates.
-- Parameters: before, as_of_date. Read only.
select customer_id
from features.customer_product_day
where day >= %(before)s::date and day < %(as_of_date)s::date
union
select customer_id
from features.customer_product_day
where day >= %(before)s::date - 365 and day < %(as_of_date)s::date - 365
union
select customer_id
from features.customer_day_cancelled
where cancelled_on >= %(before)s::date and cancelled_on < %(as_of_date)s::date
