"""Facts of the section on forecasts in report and page."""

from __future__ import annotations

from typing import Any

from segmentation.applications.forecasts.backtests import CHOSEN
from segmentation.modelling.forecasters.registry import FORECASTERS, NAIVE
from segmentation.runs.register import Run
from segmentation.warehouse import db

CLEAR = 0.02  # of the top tenth's share of money, that a forecast is better than the naive one by


def section(conn: db.Connection, run: Run) -> dict[str, Any] | None:
    """The model, the segments by money at risk, the backtests; None of a date without forecasts."""
    model = db.row(
        conn, "select * from segments.forecast_models where as_of_date = %(as_of_date)s", run.params
    )
    if model is None:
        return None
    backtests = db.rows(conn, db.statement("applications/forecasts/shown_backtests.sql"), run.params)
    return {
        "model": model,
        "title": FORECASTERS[model["forecaster"]].title,
        "segments": db.rows(conn, db.statement("applications/forecasts/shown_segments.sql"), run.params),
        "backtests": backtests,
        "verdict": verdict(backtests),
        "curve": db.rows(
            conn,
            "select silent_days, returning_share from segments.return_curve "
            "where as_of_date = %(as_of_date)s order by silent_days",
            run.params,
        ),
        "by_segment": db.rows(conn, db.statement("applications/forecasts/shown_judged.sql"), run.params),
    }


def customer(conn: db.Connection, run: Run, customer_id: str) -> dict[str, Any] | None:
    """The forecast of a customer of a date; None without one."""
    params = {**run.params, "customer_id": customer_id}
    return db.row(conn, db.statement("applications/forecasts/customer.sql"), params)


def verdict(backtests: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The share of the money found in the top tenth, mean over the dates: by the forecast and the naive one.

    None where no date can be looked back on.
    """
    by_name: dict[str, dict[Any, float]] = {}
    for row in backtests:
        if row["top_decile_share"] is not None:
            by_name.setdefault(row["forecaster"], {})[row["forecast_date"]] = row["top_decile_share"]
    ours, naive = by_name.get(CHOSEN, {}), by_name.get(NAIVE, {})
    dates = sorted(ours.keys() & naive.keys())
    if not dates:
        return None
    shares = [sum(share_by_day[day] for day in dates) / len(dates) for share_by_day in (ours, naive)]
    return {
        "dates": len(dates),
        "since": dates[0],
        "ours": shares[0],
        "naive": shares[1],
        "wins": shares[0] >= shares[1] + CLEAR,
        "loses": shares[0] < shares[1],
    }
