"""The account of an earlier date: what it said that its segments foresee, and what has come since."""

import json
from typing import Any

import pandas as pd

from segmentation.runs.night import Night
from segmentation.warehouse import db

FILE = "backtest.json"


def take(night: Night) -> dict[str, Any] | None:
    """Take it, and keep it among the run's artifacts for the publication; None where no date is old enough."""
    params = {**night.params, "horizon_days": night.settings.model.horizon_days}
    with night.warehouse.connect(readonly=True) as conn:
        found = db.row(conn, db.statement("segments/choice_backtests.sql"), params)
    kept = None if found is None else {**found, "said_on": found["said_on"].isoformat()}
    night.folder.mkdir(parents=True, exist_ok=True)
    (night.folder / FILE).write_text(json.dumps(kept))
    return kept


def taken(night: Night) -> pd.DataFrame:
    """The row that `take` kept, as the table has it; empty where there is none."""
    path = night.folder / FILE
    kept = json.loads(path.read_text()) if path.exists() else None
    return pd.DataFrame([kept]) if kept else pd.DataFrame()


def missed(found: dict[str, Any]) -> tuple[float, bool] | None:
    """The part of what was said that has come, and whether the rest is beyond two standard errors of both.

    What was said of the season counts where there is such a figure: it is of the same days of a year. None
    where nothing was said, or nothing above 0.
    """
    by_season = found["said_season"] is not None
    said = found["said_season"] if by_season else found["said"]
    error = found["said_season_error"] if by_season else found["said_error"]
    if said is None or said <= 0:
        return None
    noise = 2 * ((error or 0.0) ** 2 + found["came_error"] ** 2) ** 0.5
    return found["came"] / said, bool(said - found["came"] > noise)
