-- Purpose: the money to expect of each segment of a date, and what of it is at risk.
-- Grain: segment. Inputs: segments.segment_forecasts, forecast_models. Parameters: as_of_date. Read only.
select
    f.segment_id,
    m.horizon_days,
    f.expected_spend::double precision as expected,
    f.money_at_risk::double precision as at_risk
from segments.segment_forecasts as f
inner join segments.forecast_models as m on f.as_of_date = m.as_of_date
where f.as_of_date = %(as_of_date)s
order by f.segment_id
