-- Purpose: the sums of forecasts over clusters, before these are segments: what segment_forecasts.sql publishes.
-- Grain: cluster. Inputs: identifiers: staged, models: customer_forecasts and forecast_models as the run has staged
--     them; assignments: who is in which cluster. Re-run: reads only.
-- Caveat: a cluster is known again by one of its customers.
with model as (
    select
        exp(power(own_spread, 2)) as own_factor,
        exp(power(own_spread_365d, 2)) as own_factor_365d
    from {{ models }}
),

own as (
    select
        a.cluster,
        f.customer_id,
        f.buy_probability,
        f.churn_risk,
        f.money_at_risk,
        f.expected_spend,
        f.expected_spend_365d,
        f.expected_spend * f.expected_spend * (m.own_factor / greatest(f.buy_probability, 0.0001) - 1) as variance,
        f.expected_spend_365d * f.expected_spend_365d
        * (m.own_factor_365d / greatest(f.buy_probability_365d, 0.0001) - 1) as variance_365d
    from {{ staged }} as f
    inner join {{ assignments }} as a on f.customer_id = a.customer_id
    cross join model as m
)

select
    min(customer_id) as first_customer,
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
group by cluster
