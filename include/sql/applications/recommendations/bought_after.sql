-- Purpose: what customers have bought from an earlier date to before another one.
-- Grain: customer and product, both from 0, in this order. Inputs: features.customer_product_day.
-- Parameters: since, until: dates; orders that were cancelled before `until` do not count; identifiers:
--     customers (number, customer_id), products (product_number, product_id). Read only.
select distinct
    c.number - 1 as customer,
    p.product_number - 1 as product
from features.customer_product_day as b
inner join {{ customers }} as c on b.customer_id = c.customer_id
inner join {{ products }} as p on b.product_id = p.product_id
where
    b.day >= %(since)s::date and b.day < %(until)s::date
    and (b.cancelled_on is null or b.cancelled_on >= %(until)s::date)
order by customer, product
