-- Purpose: publish the sums of forecasts over segments, with the interval of each: what its customers vary by
--     themselves, and what all of a date have in common (modelling/forecasters/spread.py).
-- Grain: as_of_date, segment_id. Inputs: identifier: sums: what forecast_sums.sql came to; customer_segments,
--     forecast_models of the date.
-- Parameters: as_of_date; min_customers: smaller segments are left out; z: of the interval.
-- Re-run: rows of the date were deleted before.
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
with widths as (
    select
        c.segment_id,
        s.customers,
        s.expected_buyers,
        s.spend,
        s.spend_365d,
        s.active_customers,
        s.expected_churners,
        s.money_at_risk,
        %(z)s * sqrt(
            power(m.common_spread, 2) + coalesce(ln(1 + s.variance / nullif(power(s.spend, 2), 0)), 0)
        ) as width,
        %(z)s * sqrt(
            power(m.common_spread_365d, 2)
            + coalesce(ln(1 + s.variance_365d / nullif(power(s.spend_365d, 2), 0)), 0)
        ) as width_365d
    from {{ sums }} as s
    inner join segments.customer_segments as c
        on s.first_customer = c.customer_id and c.as_of_date = %(as_of_date)s
    inner join segments.forecast_models as m on m.as_of_date = %(as_of_date)s
    where s.customers >= %(min_customers)s
)

select
    %(as_of_date)s::date as as_of_date,
    segment_id,
    customers,
    round(expected_buyers::numeric, 1) as expected_buyers,
    round(spend, 2) as expected_spend,
    round((spend::double precision * exp(-width))::numeric, 2) as expected_spend_low,
    round((spend::double precision * exp(width))::numeric, 2) as expected_spend_high,
    round(spend_365d, 2) as expected_spend_365d,
    round((spend_365d::double precision * exp(-width_365d))::numeric, 2) as expected_spend_365d_low,
    round((spend_365d::double precision * exp(width_365d))::numeric, 2) as expected_spend_365d_high,
    active_customers,
    round(expected_churners::numeric, 1) as expected_churners,
    round(money_at_risk, 2) as money_at_risk
from widths
order by segment_id
