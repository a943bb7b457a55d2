"""Backtests of forecasts: those that were published, and what would have been said of earlier dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from segmentation.applications.forecasts import samples
from segmentation.features import history
from segmentation.modelling.forecasters.base import Expectation, Sample
from segmentation.modelling.forecasters.past import Past
from segmentation.modelling.forecasters.registry import FORECASTERS, LIFETIME, NAIVE
from segmentation.modelling.forecasters.scores import scored
from segmentation.modelling.forecasters.spread import Spread
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.warehouse import db

CHOSEN = "chosen"
LOOKED_BACK, PUBLISHED = "looked_back", "published"
SHOWN = 4  # dates that are looked back on
MOST_JUDGED = 31  # published dates, of one night
COLUMNS = (
    *("forecast_date", "kind", "forecaster", "segment_id", "customers", "buyers"),
    *("auc", "brier", "brier_base", "calibration_error", "mae", "spearman", "top_decile_share"),
    *("expected_spend", "expected_spend_low", "expected_spend_high", "actual_spend"),
)


def table(night: Night, past: Past) -> pd.DataFrame:
    """The rows of `segments.forecast_backtests` of the night, but its date."""
    rows = [*looked_back(night, past), *published(night)]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["segment_id"] = frame["segment_id"].astype("Int64")
    return frame


def looked_back(night: Night, past: Past) -> Iterator[dict[str, Any]]:
    """Rows of the newest dates whose outcome is known, each forecast made of what was known then."""
    for age in past.older(0)[:SHOWN]:
        day, came = night.as_of_date - timedelta(days=age), past.samples[age]
        _, chosen = past.looked_back(age)
        yield row(day, LOOKED_BACK, CHOSEN, chosen, came, past.spread(age))
        for name in FORECASTERS:
            expected = past.raw(name, age)
            if expected is not None:
                yield row(day, LOOKED_BACK, name, expected, came)


def row(
    day: date, kind: str, name: str, expected: Expectation, came: Sample, spread: Spread | None = None
) -> dict[str, Any]:
    """A forecast of a date beside what came."""
    total = float(expected.spend.sum())
    low, high = spread.total(total, float(spread.variance(expected).sum())) if spread else (None, None)
    figures = {key: round(value, 4) for key, value in scored(expected, came).items()}
    return {
        **figures,
        "mae": round(figures["mae"], 2),
        "forecast_date": day,
        "kind": kind,
        "forecaster": name,
        "customers": len(came.customers),
        "buyers": int(came.bought.sum()),
        "expected_spend": round(total, 2),
        "expected_spend_low": None if low is None else round(low, 2),
        "expected_spend_high": None if high is None else round(high, 2),
        "actual_spend": round(float(came.spend.sum()), 2),
    }


def published(night: Night) -> Iterator[dict[str, Any]]:
    """Rows of the published dates whose horizon has passed since the parent date, whole and by segment."""
    with night.warehouse.connect() as conn:  # what is read goes by a temporary table
        parent = register.parent(conn, night.as_of_date)
        since = {**night.params, "parent": parent.as_of_date if parent else None}
        dates = db.rows(conn, db.statement("applications/forecasts/judged.sql"), since)
        for judged in dates[-MOST_JUDGED:]:
            yield from _published(conn, night, judged)


def _published(conn: db.Connection, night: Night, judged: dict[str, Any]) -> Iterator[dict[str, Any]]:
    day, days = judged["as_of_date"], judged["horizon_days"]
    params = {
        **{"forecast_date": day, "origin": day, "until": day + timedelta(days=days)},
        "known_at": night.as_of_date,
    }
    counted = "select count(*) from segments.customer_forecasts where as_of_date = %(forecast_date)s"
    every = history.share_sampled(db.scalar(conn, counted, params))
    sampled = _of_sample(conn, night.as_of_date, every)
    came_of_sample = db.statement(f"{samples.FOLDER}/outcomes.sql", **sampled)
    by_customer = db.statement("applications/forecasts/published.sql", came=came_of_sample)
    kinds = dict.fromkeys(("buy_probability", "expected_spend", "order_days", "spend"), "number")
    frame = db.read_frame(conn, by_customer, {**params, "every": every}, {"customer_id": "text", **kinds})
    if frame.empty:
        return
    frame = frame.set_index("customer_id")
    came = Sample(frame, frame["order_days"].to_numpy(), frame["spend"].to_numpy(), days)
    forecast = Expectation(frame["buy_probability"].to_numpy(), frame["expected_spend"].to_numpy())
    spread = Spread(judged["own_spread"], judged["common_spread"])
    yield row(day, PUBLISHED, CHOSEN, forecast, came, spread)
    yield from _beside(conn, night, day, came, sampled)
    came_query = db.statement(f"{samples.FOLDER}/outcomes.sql", **samples.WHOLE)
    by_segment = db.statement("applications/forecasts/segments_judged.sql", came=came_query)
    for segment in db.rows(conn, by_segment, params):
        yield {"forecast_date": day, "kind": PUBLISHED, "forecaster": CHOSEN, **segment}


def _of_sample(conn: db.Connection, as_of_date: date, every: int) -> dict[str, str]:
    """The days of a sample of customers, as relations."""
    whom = history.of_sample(conn, as_of_date, every)
    return {
        name: f"(select * from {table} where {whom})" + (" as sampled" if name == "cancelled" else "")
        for name, table in samples.WHOLE.items()
    }


def _beside(
    conn: db.Connection, night: Night, day: date, came: Sample, sampled: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """The naive forecast and BG/NBD of the same customers, as of the same date."""
    customers = samples.read_known(conn, day, **sampled)
    customers = customers.reindex(came.customers.index).dropna(subset=["order_days"])
    rows = np.flatnonzero(came.customers.index.isin(customers.index))
    then = Past({}, came.days, night.settings.model.seed)
    for name in (NAIVE, LIFETIME):
        expected = then.expect(name, 0, customers)
        if expected is not None:
            yield row(day, PUBLISHED, name, expected, came.take(rows))
