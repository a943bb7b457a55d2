-- Purpose: the products of each customer's last days, from the lines of these days.
-- Grain: customer and product, which is a list of one. Inputs: features.customer_product_day of the days.
-- Parameters: as_of_date, days. Read only.
-- Caveat: service lines, returns and cancelled orders do not count.
select
    customer_id,
    array[product_id] as product_ids
from features.customer_product_day
where
    day >= %(as_of_date)s::date - %(days)s and day < %(as_of_date)s::date
    and (cancelled_on is null or cancelled_on >= %(as_of_date)s::date)
group by customer_id, product_id
