-- Purpose: give each customer of a table who has none a number, for good.
-- Grain: customer. Inputs: the table. Identifiers: table. Re-run: adds those who are new.
insert into segments.customer_numbers (customer_id)
select t.customer_id
from {{ table }} as t
where
    not exists (
        select from segments.customer_numbers as known
        where known.customer_id = t.customer_id
    )
order by t.customer_id
