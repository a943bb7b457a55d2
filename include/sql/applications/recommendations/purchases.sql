-- Purpose: what customers have bought before a date, as numbers.
-- Grain: customer and product, both from 0, in this order. Inputs: features.customer_product_day.
-- Parameters: as_of_date; days: of orders that are looked at; identifiers: customers (number, customer_id),
--     products (product_number, product_id). Read only.
select
    c.number - 1 as customer,
    p.product_number - 1 as product,
    %(as_of_date)s::date - max(b.day) as age_days,
    count(*) as orders
from features.customer_product_day as b
inner join {{ customers }} as c on b.customer_id = c.customer_id
inner join {{ products }} as p on b.product_id = p.product_id
where
    b.day >= %(as_of_date)s::date - %(days)s and b.day < %(as_of_date)s::date
    and (b.cancelled_on is null or b.cancelled_on >= %(as_of_date)s::date)
group by c.number, p.product_number
order by c.number, p.product_number
