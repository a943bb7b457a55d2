-- Purpose: how good forecasts of all customers were, as a date looks back, the newest first.
-- Grain: forecast_date, forecaster. Parameters: as_of_date. Re-run: reads only. Caveat: of a date that was
--     published, what was published is shown, not what is made of it again.
select distinct on (forecast_date, forecaster)
    forecast_date,
    kind,
    forecaster,
    customers,
    buyers,
    auc,
    brier,
    brier_base,
    calibration_error,
    mae,
    spearman,
    top_decile_share,
    expected_spend,
    expected_spend_low,
    expected_spend_high,
    actual_spend
from segments.forecast_backtests
where
    as_of_date = %(as_of_date)s and segment_id is null and forecaster in ('chosen', 'go_on', 'lifetime')
order by forecast_date desc, forecaster, kind desc
