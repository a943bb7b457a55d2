"""Facts of the section on forecasts in report and page."""

from __future__ import annotations

from typing import Any

from segmentation.applications.forecasts.backtests import CHOSEN
from segmentation.modelling.forecasters.registry import FORECASTERS, LIFETIME, NAIVE
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


def verdict(backtests: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The newest date looked back on: the chosen forecast beside the naive one; None where there is none."""
    newest = backtests[0]["forecast_date"] if backtests else None
    rows = {row["forecaster"]: row for row in backtests if row["forecast_date"] == newest}
    if CHOSEN not in rows or NAIVE not in rows:
        return None
    chosen, naive = rows[CHOSEN], rows[NAIVE]
    shares = chosen["top_decile_share"], naive["top_decile_share"]
    if None in shares:
        return None
    return {
        "forecast_date": newest,
        "chosen": chosen,
        "naive": naive,
        "rhythm": rows.get(LIFETIME),
        "wins": shares[0] >= shares[1] + CLEAR,
        "loses": shares[0] < shares[1],
    }
