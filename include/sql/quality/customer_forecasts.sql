-- Purpose: what the gate of forecasts asks of what a run has staged.
-- Grain: one row, a column a metric. Inputs: the staged table, features.customer_features of the date.
-- Parameters: as_of_date; identifier: staged. Re-run: reads only.
with eligible as (
    select
        customer_id,
        spend_365d
    from features.customer_features
    where as_of_date = %(as_of_date)s
)

select
    count(f.customer_id) as row_count,
    count(*) filter (where f.customer_id is null) as forecasts_missing,
    count(*) filter (where e.customer_id is null) as forecasts_of_nobody,
    sum(f.expected_spend_365d::numeric) / nullif(sum(e.spend_365d::numeric), 0) as year_factor
from {{ staged }} as f
full join eligible as e on f.customer_id = e.customer_id
