"""Rows of `segments.forecast_models`: how the forecasts of a date were made."""

from __future__ import annotations

import json

import pandas as pd

from segmentation.modelling.forecasters.date_forecast import DateForecast
from segmentation.modelling.forecasters.past import LOOKED_BACK, Past

LEARNING = ("blend", "linear", "boosted", "tweedie", "own_rate")


def table(past: Past, forecast: DateForecast) -> pd.DataFrame:
    """The row of a date, but the date and the bounds of the life-cycle."""
    learned = [past.samples[age] for age in past.older(0)[:LOOKED_BACK]]
    if forecast.forecaster not in LEARNING:
        learned = []
    return pd.DataFrame(
        [
            {
                "forecaster": forecast.forecaster,
                "horizon_days": past.days,
                "dates_learned_from": len(learned),
                "customers_learned_from": sum(len(sample.customers) for sample in learned),
                "has_season": forecast.level.is_seasonal,
                "level": round(forecast.level.spend, 4),
                "own_spread": round(forecast.spread.own, 4),
                "common_spread": round(forecast.spread.common, 4),
                "own_spread_365d": round(forecast.year_spread.own, 4),
                "common_spread_365d": round(forecast.year_spread.common, 4),
                "scores": json.dumps({name: round(score, 4) for name, score in forecast.scores.items()}),
            }
        ]
    )
