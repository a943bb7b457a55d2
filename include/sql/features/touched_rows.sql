-- Purpose: the last days of some customers, looked up whatever the planner thinks: of an array in the order
--     of the index, a month is read in one pass.
-- Grain: as the table. Inputs: identifiers: table: features.customer_day or customer_product_day; days: how
--     many; touched: a table of customers, or a select of them in brackets.
-- Parameters: as_of_date. Read only.
select *
from features.{{ table }}
where
    customer_id = any(array(
        select t.customer_id
        from {{ touched }} as t
        order by t.customer_id
    ))
    and day >= %(as_of_date)s::date - {{ days }} and day < %(as_of_date)s::date
