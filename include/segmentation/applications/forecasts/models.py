"""Rows of `segments.forecast_models`: how the forecasts of a date were made."""

from __future__ import annotations

import json

import pandas as pd

from segmentation.modelling.forecasters.date_forecast import DateForecast
from segmentation.modelling.forecasters.past import LOOKED_BACK, Past

LEARNING = ("blend", "linear", "boosted")


def table(past: Past, found: DateForecast) -> pd.DataFrame:
    """The row of a date, but the date and the bounds of the life-cycle."""
    learned = [past.samples[age] for age in past.older(0)[:LOOKED_BACK]]
    if found.forecaster not in LEARNING:
        learned = []
    return pd.DataFrame(
        [
            {
                "forecaster": found.forecaster,
                "horizon_days": past.days,
                "dates_learned_from": len(learned),
                "customers_learned_from": sum(len(sample.known) for sample in learned),
                "has_season": found.level.is_seasonal,
                "level": round(found.level.spend, 4),
                "own_spread": round(found.spread.own, 4),
                "common_spread": round(found.spread.common, 4),
                "own_spread_365d": round(found.year_spread.own, 4),
                "common_spread_365d": round(found.year_spread.common, 4),
                "scores": json.dumps({name: round(score, 4) for name, score in found.scores.items()}),
            }
        ]
    )
