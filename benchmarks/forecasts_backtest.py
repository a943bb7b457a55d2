"""The forecasts of a date beside what came: part of the benchmark `applications`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pandas as pd

from segmentation.applications.forecasts import samples
from segmentation.modelling.forecasters.base import Expectation, Sample
from segmentation.modelling.forecasters.date_forecast import DateForecast, forecast_date
from segmentation.modelling.forecasters.registry import FORECASTERS, LIFETIME, NAIVE
from segmentation.modelling.forecasters.scores import scored
from segmentation.modelling.forecasters.spread import Spread, groups
from segmentation.runs.night import Night

CHOSEN = "chosen"


def run(night_of: Callable[[date], Night], day: date) -> tuple[pd.DataFrame, dict[str, float]]:
    """The table of a date, a row a forecaster, and its name=value pairs."""
    night = night_of(day)
    history = samples.read(night)
    found = forecast_date(history.past, history.years, history.customers)
    horizon = night.settings.model.horizon_days
    later = day + timedelta(days=horizon)
    with night.warehouse.connect(readonly=True) as conn:
        came = samples.read_outcome(conn, history.customers, day, horizon, later)
    said = {CHOSEN: found.horizon}
    for name in FORECASTERS:
        expected = history.past.expect(name, 0, history.customers)
        if expected is not None:
            said[name] = expected
    table = pd.DataFrame([_row(day, name, found, expected, came) for name, expected in said.items()])
    return table, _pairs(table.set_index("forecast"), found, came)


def _row(day: date, name: str, found: DateForecast, expected: Expectation, came: Sample) -> dict[str, object]:
    figures = scored(expected, came)
    return {
        "as of": day,
        "customers": len(came.customers),
        "forecast": name,
        "model": found.forecaster if name == CHOSEN else "",
        "auc": figures["auc"],
        "brier/base": figures["brier"] / figures["brier_base"],
        "calibration": figures["calibration_error"],
        "top tenth": figures["top_decile_share"],
        "spearman": figures["spearman"],
        "mae": figures["mae"],
        "level": expected.spend.sum() / came.spend.sum(),
        "held": held(found.spread, expected, came) if name == CHOSEN else np.nan,
        "customers held": customers_held(found.spread, expected, came) if name == CHOSEN else np.nan,
    }


def _pairs(table: pd.DataFrame, found: DateForecast, came: Sample) -> dict[str, float]:
    chosen = table.loc[CHOSEN]
    return {
        "top_decile": chosen["top tenth"],
        "top_decile_go_on": table.loc[NAIVE, "top tenth"],
        "top_decile_above": chosen["top tenth"] - table.loc[NAIVE, "top tenth"],
        "auc": chosen["auc"],
        "auc_btyd": table.loc[LIFETIME, "auc"] if LIFETIME in table.index else np.nan,
        "calibration_error": chosen["calibration"],
        "brier_of_base": chosen["brier/base"],
        "spearman": chosen["spearman"],
        "level": chosen["level"],
        "intervals_held": chosen["held"],
        "customers_held": chosen["customers held"],
    }


def held(spread: Spread, expected: Expectation, came: Sample) -> float:
    """The share of groups of customers, ten of like expectations, whose 80 % interval holds what came."""
    variance, inside = spread.variance(expected), []
    for rows in groups(expected):
        low, high = spread.total(float(expected.spend[rows].sum()), float(variance[rows].sum()))
        inside.append(low <= came.spend[rows].sum() <= high)
    return float(np.mean(inside))


def customers_held(spread: Spread, expected: Expectation, came: Sample) -> float:
    """The share of customers whose 80 % interval holds what they spent."""
    low, high = spread.customer(expected)
    return float(((low <= came.spend) & (came.spend <= high)).mean())
