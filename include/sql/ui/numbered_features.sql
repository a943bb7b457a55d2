-- Purpose: features of everybody on a date, with the numbers that customers have for good.
-- Grain: customer, in no order. Inputs: features.customer_features of the date, segments.customer_numbers.
-- Parameters: as_of_date; identifiers: features (of f). Read only.
select
    n.customer_number,
    {{ features }}  -- noqa: RF02
from features.customer_features as f
inner join segments.customer_numbers as n on f.customer_id = n.customer_id
where f.as_of_date = %(as_of_date)s
