-- Purpose: the forecast of one customer of a date.
-- Grain: one row, or none. Inputs: segments.customer_forecasts by its key, forecast_models.
-- Parameters: as_of_date, customer_id. Read only.
select
    m.horizon_days,
    f.buy_probability::double precision as buy_probability,
    f.churn_risk::double precision as churn_risk,
    f.expected_spend::double precision as expected_spend,
    f.expected_spend_low::double precision as expected_spend_low,
    f.expected_spend_high::double precision as expected_spend_high,
    f.expected_spend_365d::double precision as expected_spend_365d,
    f.next_order_on,
    f.decile,
    f.money_at_risk::double precision as money_at_risk
from segments.customer_forecasts as f
inner join segments.forecast_models as m on f.as_of_date = m.as_of_date
where f.as_of_date = %(as_of_date)s and f.customer_id = %(customer_id)s
