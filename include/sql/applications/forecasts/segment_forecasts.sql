-- Purpose: publish the sums of forecasts over segments, with the interval of each: what its customers vary by
--     themselves, and what all of a date have in common (modelling/forecasters/spread.py).
-- Grain: as_of_date, segment_id. Inputs: customer_forecasts, customer_segments, forecast_models of the date.
-- Parameters: as_of_date; min_customers: smaller segments are left out; z: of the interval.
-- Re-run: rows of the date were deleted before. The sums of all segments stay in the temporary table forecast_sums.
create temp table forecast_sums on commit drop as
with model as (
    select
        exp(power(own_spread, 2)) as own_factor,
        exp(power(own_spread_365d, 2)) as own_factor_365d
    from segments.forecast_models
    where as_of_date = %(as_of_date)s
),

own as (
    select
        s.segment_id,
        f.buy_probability,
        f.churn_risk,
        f.money_at_risk,
        f.expected_spend,
        f.expected_spend_365d,
        f.expected_spend * f.expected_spend * (m.own_factor / greatest(f.buy_probability, 0.0001) - 1) as variance,
        f.expected_spend_365d * f.expected_spend_365d
        * (m.own_factor_365d / greatest(f.buy_probability_365d, 0.0001) - 1) as variance_365d
    from segments.customer_forecasts as f
    inner join segments.customer_segments as s on f.as_of_date = s.as_of_date and f.customer_id = s.customer_id
    cross join model as m
    where f.as_of_date = %(as_of_date)s
)

select
    segment_id,
    count(*) as customers,
    -- a sum of real is real: six digits, and less the more are added
    sum(buy_probability::double precision) as expected_buyers,
    sum(expected_spend) as spend,
    sum(variance) as variance,
    sum(expected_spend_365d) as spend_365d,
    sum(variance_365d) as variance_365d,
    count(churn_risk) as active_customers,
    coalesce(sum(churn_risk::double precision), 0) as expected_churners,
    coalesce(sum(money_at_risk), 0) as money_at_risk
from own
group by segment_id;

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
        s.segment_id,
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
    from forecast_sums as s
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
