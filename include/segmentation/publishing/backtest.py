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
        row = db.row(conn, db.statement("segments/choice_backtests.sql"), params)
    content = None if row is None else {**row, "said_on": row["said_on"].isoformat()}
    night.folder.mkdir(parents=True, exist_ok=True)
    (night.folder / FILE).write_text(json.dumps(content))
    return content


def read(night: Night) -> pd.DataFrame:
    """The row that `take` kept, as the table has it; empty where there is none."""
    path = night.folder / FILE
    row = json.loads(path.read_text()) if path.exists() else None
    return pd.DataFrame([row]) if row else pd.DataFrame()


def missed(row: dict[str, Any]) -> tuple[float, bool] | None:
    """The part of what was said that has come, and whether the rest is beyond two standard errors of both.

    What was said of the season counts where there is such a figure: it is of the same days of a year. None
    where nothing was said, or nothing above 0.
    """
    by_season = row["said_season"] is not None
    foreseen = row["said_season"] if by_season else row["said"]
    error = row["said_season_error"] if by_season else row["said_error"]
    if foreseen is None or foreseen <= 0:
        return None
    noise = 2 * ((error or 0.0) ** 2 + row["came_error"] ** 2) ** 0.5
    return row["came"] / foreseen, bool(foreseen - row["came"] > noise)
