-- Purpose: publish the forecasts of a date's segments. Grain: as_of_date, segment_id.
-- Inputs: by_segment.sql. Parameters: its own. Re-run: rows of the date were deleted before.
insert into segments.segment_forecasts (
    as_of_date,
    segment_id,
    customers,
    expected_buyers,
    expected_spend,
    expected_spend_low,
    expected_spend_high,
    expected_spend_365d,
    expected_spend_365d_low,
    expected_spend_365d_high,
    active_customers,
    expected_churners,
    money_at_risk
)
{{ by_segment }}
