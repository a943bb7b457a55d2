-- Purpose: number the customers of a date.
-- Grain: customer. Inputs: features.customer_features. Read only.
-- Parameters: as_of_date; most: a larger shop is tested on so many, drawn by the hash of their id (null: all).
with drawn as (
    select customer_id
    from features.customer_features
    where as_of_date = %(as_of_date)s
    order by case when %(most)s::integer is not null then md5(customer_id) end, customer_id
    limit %(most)s
)

select
    (row_number() over (order by customer_id))::integer as number,
    customer_id
from drawn
