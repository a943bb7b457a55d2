-- Purpose: publish the forecasts of a date's customers.
-- Grain: as_of_date, customer_id. Inputs: what the run has staged.
-- Parameters: as_of_date; identifiers: staged; partition: that of the date, of segments.customer_forecasts.
-- Re-run: rows of the date were deleted before. Caveat: in the order in which they were staged, that of the key.
insert into {{ partition }} (
    as_of_date,
    customer_id,
    buy_probability,
    churn_risk,
    expected_spend,
    expected_spend_low,
    expected_spend_high,
    buy_probability_365d,
    expected_spend_365d,
    expected_spend_365d_low,
    expected_spend_365d_high,
    next_order_on,
    decile,
    money_at_risk
)
select
    %(as_of_date)s::date as as_of_date,
    f.customer_id,
    f.buy_probability,
    f.churn_risk,
    f.expected_spend,
    f.expected_spend_low,
    f.expected_spend_high,
    f.buy_probability_365d,
    f.expected_spend_365d,
    f.expected_spend_365d_low,
    f.expected_spend_365d_high,
    f.next_order_on,
    f.decile,
    f.money_at_risk
from {{ staged }} as f
