"""The task of a night: the forecasts of its customers, staged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from segmentation import applications
from segmentation.applications.forecasts import backtests, gate, models, samples
from segmentation.modelling.forecasters.date_forecast import DateForecast, deciles, forecast_date
from segmentation.modelling.threads import one_thread
from segmentation.runs.night import Night
from segmentation.segments import return_curve
from segmentation.warehouse import beside, db, locks, partitions


def prepare(night: Night, progress: Callable[[str], None]) -> dict[str, Any]:
    """Choose a forecaster on the shop's past, forecast everybody, look back; stage all of it."""
    with one_thread():  # threads that wait for each other cost more than these small fits
        history = samples.read(night)
        if history.customers.empty:
            progress("forecasts: nobody has ordered yet")
            return {"customers": 0}
        curves: list[return_curve.ReturnCurve | None] = []

        def read_curve(conn: db.Connection) -> None:
            curves.append(return_curve.read(conn, night.as_of_date, len(history.customers)))

        with beside.held(night.warehouse, read_curve):
            forecast = forecast_date(history.past, history.years, history.customers)
    progress(
        f"forecasts: {forecast.forecaster}, of {len(history.past.older(0))} dates whose outcome is known"
    )
    with night.warehouse.connect() as conn:
        locks.hold(conn, locks.PUBLICATION)
        partitions.ensure(conn, "segments", "customer_forecasts", night.as_of_date)
    rows = customers(night, history.customers, forecast)

    def stage_customers(conn: db.Connection) -> None:
        applications.stage(conn, night, "customer_forecasts", rows)

    with beside.held(night.warehouse, stage_customers):
        eligible = gate.eligible(night)
        stage_others(night, history, forecast, curves[0])
    gate.check(night, applications.staged(night, "customer_forecasts"), eligible)
    return {"customers": len(history.customers), "forecaster": forecast.forecaster}


def stage_others(
    night: Night,
    history: samples.History,
    forecast: DateForecast,
    curve: return_curve.ReturnCurve | None,
) -> None:
    """Stage the model of the date, how good forecasts have been, and the return curve."""
    frames = {
        "forecast_models": models.table(history.past, forecast).assign(**bounds(night, curve)),
        "return_curve": pd.DataFrame(
            curve.points if curve else [], columns=["silent_days", "returning_share"]
        ),
        "forecast_backtests": backtests.table(night, history.past),
    }
    with night.warehouse.connect() as conn:
        for name, frame in frames.items():
            applications.stage(conn, night, name, frame.assign(as_of_date=night.as_of_date))


def bounds(night: Night, curve: return_curve.ReturnCurve | None) -> dict[str, Any]:
    """The bounds of the life-cycle that are in force."""
    lifecycle = night.settings.lifecycle
    in_force = return_curve.of(curve, lifecycle)
    return {
        "cooling_recency_days": in_force.cooling_recency_days,
        "lapsed_recency_days": in_force.lapsed_recency_days,
        "has_own_bounds": lifecycle.auto and curve is not None,
    }


def customers(night: Night, frame: pd.DataFrame, forecast: DateForecast) -> pd.DataFrame:
    """The rows of `segments.customer_forecasts`, but their date."""
    horizon = forecast.horizon
    low, high = forecast.spread.customer(horizon)
    year_low, year_high = forecast.year_spread.customer(forecast.year)
    is_active = frame["last_days"].to_numpy() <= night.settings.model.horizon_days
    churn = np.where(is_active, 1 - horizon.probability.round(4), np.nan)
    spend, year = horizon.spend.round(2), forecast.year.spend.round(2)
    return pd.DataFrame(
        {
            "customer_id": frame.index,
            "buy_probability": horizon.probability.round(4),
            "churn_risk": churn.round(4),
            "expected_spend": spend,
            "expected_spend_low": low.round(2),
            "expected_spend_high": np.maximum(high, low).round(2),
            "buy_probability_365d": forecast.year.probability.round(4),
            "expected_spend_365d": np.maximum(year, spend),
            "expected_spend_365d_low": year_low.round(2),
            "expected_spend_365d_high": np.maximum(year_high, year_low).round(2),
            "next_order_on": _dates(night.as_of_date, forecast.next_days),
            "decile": deciles(horizon.spend),
            "money_at_risk": (churn * frame["spend_90d"].to_numpy()).round(2),
        }
    )


def _dates(as_of_date: date, days: np.ndarray) -> pd.Series:
    """The dates of so many days, of which today is the first; none where there is no number."""
    first = np.datetime64(as_of_date, "D") - 1
    counted = np.where(
        np.isnan(days), np.datetime64("NaT"), first + np.nan_to_num(days).astype("timedelta64[D]")
    )
    return pd.Series(pa.array(counted, pa.date32()), dtype=pd.ArrowDtype(pa.date32()))
