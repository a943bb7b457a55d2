-- Purpose: publish the forecasts of a date's customers.
-- Grain: as_of_date, customer_id. Inputs: what the run has staged, segments.customer_segments of the date.
-- Parameters: as_of_date; identifier: staged. Re-run: rows of the date were deleted before.
insert into segments.customer_forecasts (
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
    s.as_of_date,
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
inner join segments.customer_segments as s on f.customer_id = s.customer_id
where s.as_of_date = %(as_of_date)s
