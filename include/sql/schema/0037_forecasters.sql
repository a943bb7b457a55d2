-- Purpose: name the forecasters that came later. Grain: comments only. Of the 37th migration.

comment on column segments.forecast_models.forecaster is
'blend, linear, lifetime (BG/NBD), boosted, tweedie, own_rate or go_on; see docs/applications/forecasts.md';
