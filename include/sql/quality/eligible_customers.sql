-- Purpose: the customers of a date's features, as the gate of forecasts compares them with what a run has staged.
-- Grain: one row. Inputs: features.customer_features of the date.
-- Parameters: as_of_date. Re-run: reads only.
select
    count(*) as eligible_customers,
    coalesce(sum(hashtextextended(customer_id, 0)), 0) as eligible_first_hash,
    coalesce(sum(hashtextextended(customer_id, 1)), 0) as eligible_second_hash,
    sum(spend_365d::numeric) as eligible_spend
from features.customer_features
where as_of_date = %(as_of_date)s
