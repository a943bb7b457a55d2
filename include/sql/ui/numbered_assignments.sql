-- Purpose: what is kept of everybody's place in a segment on a date, with the numbers that customers have for good.
-- Grain: customer, in no order. Inputs: segments.customer_segments of the date, segments.customer_numbers.
-- Parameters: as_of_date; identifiers: columns (of cs). Read only.
select
    n.customer_number,
    {{ columns }}  -- noqa: RF02
from segments.customer_segments as cs
inner join segments.customer_numbers as n on cs.customer_id = n.customer_id
where cs.as_of_date = %(as_of_date)s
