-- Purpose: what is foreseen of the members of a campaign within its days, and how much of it cannot be known.
-- Grain: one row. Inputs: segments.campaign_members, customer_forecasts and forecast_models of the date.
-- Parameters: campaign_id, as_of_date, days. Read only.
-- Formula: a customer spends nothing with probability 1 - p, else an amount whose logarithm has the standard
--     deviation `own_spread`: the variance of the spend is (mean spend)^2 (exp(own_spread^2) / p - 1). Within other
--     days than the horizon's, orders come at the same rate.
-- Caveat: whoever has no forecast is left out.
with foreseen as (
    select
        f.expected_spend::double precision * %(days)s / m.horizon_days as spend,
        greatest(
            1 - power(1 - f.buy_probability::double precision, %(days)s / m.horizon_days::double precision), 1e-6
        ) as p,
        exp(power(m.own_spread, 2)) as spread
    from segments.campaign_members as c
    inner join segments.customer_forecasts as f
        on f.as_of_date = %(as_of_date)s and c.customer_id = f.customer_id
    inner join segments.forecast_models as m on f.as_of_date = m.as_of_date
    where c.campaign_id = %(campaign_id)s  -- noqa: RF02
)

select
    count(*) as customers,
    avg(spend) as revenue,
    avg(power(spend, 2) * (spread / p - 1)) as variance,
    var_pop(spend) as between_customers,
    avg(p) as buyers,
    avg(p * (1 - p)) as buying
from foreseen
