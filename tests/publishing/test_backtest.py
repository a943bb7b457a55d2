"""The account of an earlier date: what was said of its segments, and what they explain of what has come."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segmentation.publishing import backtest, expectations
from segmentation.quality.metrics import Metrics
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.warehouse import db, partitions
from segmentation.warehouse.db import Database

TODAY, HORIZON = date(2026, 6, 1), 90
THEN = TODAY - timedelta(days=HORIZON)
CUSTOMERS = 60
SEGMENTS = np.repeat([1, 2, 3], 20)
SPEND = np.where(SEGMENTS == 1, 0.0, np.where(SEGMENTS == 2, 20.0, 300.0)) + np.arange(CUSTOMERS) % 5


def night_of(database: Database, store: Path) -> Night:
    settings = Settings(shop={"name": "tiny", "source": "demo"}, model={"horizon_days": HORIZON})
    return Night("run-today", TODAY, settings, database, database, store)


def published(conn: db.Connection, day: date, run_id: str, predictive: float | None) -> None:
    """A published date with its chosen model, and the segments of everybody."""
    params = {"day": day, "run_id": run_id, "predictive": predictive}
    db.execute(
        conn,
        "insert into segments.runs (run_id, as_of_date, status, published_at) "
        "values (%(run_id)s, %(day)s, 'published', now())",
        params,
    )
    db.execute(
        conn,
        "insert into segments.model_leaderboard (as_of_date, run_id, candidate, algorithm, parameters, chosen, "
        "predictive_validity, predictive_error) "
        "values (%(day)s, %(run_id)s, 'c', 'kmeans', '{}', true, %(predictive)s, 0.02)",
        params,
    )


def assigned(conn: db.Connection, day: date) -> None:
    partitions.ensure(conn, "segments", "customer_segments", day)
    for number, segment in enumerate(SEGMENTS):
        db.execute(
            conn,
            "insert into segments.customer_segments (as_of_date, customer_id, segment_id, confidence, is_outlier, "
            "run_id) values (%(day)s, %(customer)s, %(segment)s, 1, false, 'r')",
            {"day": day, "customer": f"c{number:02}", "segment": int(segment)},
        )


def bought(conn: db.Connection, day: date, cents: np.ndarray) -> None:
    partitions.make_month(conn, "features", "customer_day", day.replace(day=1))
    for number, amount in enumerate(cents):
        if amount:
            db.execute(
                conn,
                "insert into features.customer_day (customer_id, day, orders, gross_cents) "
                "values (%(customer)s, %(day)s, 1, %(cents)s)",
                {"customer": f"c{number:02}", "day": day, "cents": int(amount)},
            )


def explained(segments: np.ndarray, spend: np.ndarray) -> float:
    """The same in plain words: each customer by the mean of the others in the segment."""
    outcome = pd.Series(np.log1p(spend))
    grouped = outcome.groupby(segments)
    others = (grouped.transform("sum") - outcome) / (grouped.transform("size") - 1)
    return float(1 - ((outcome - others) ** 2).sum() / ((outcome - outcome.mean()) ** 2).sum())


@pytest.fixture
def night(warehouse_db, tmp_path) -> Night:
    night = night_of(warehouse_db, tmp_path)
    with warehouse_db.connect() as conn:
        published(conn, THEN - timedelta(days=3), "searched", 0.4)
        published(conn, THEN, "kept", None)
        assigned(conn, THEN)
        cents = (100 * SPEND).astype(int)
        bought(conn, THEN, cents // 2)
        bought(conn, TODAY - timedelta(days=1), cents - cents // 2)
        bought(conn, THEN - timedelta(days=1), 0 * cents + 99_00)  # before the horizon
        bought(conn, TODAY, 0 * cents + 77_00)  # and after it
    return night


def test_what_came_is_counted_within_the_horizon_beside_what_the_newest_search_said(night):
    found = backtest.take(night)
    assert found is not None
    assert found["said_on"] == THEN.isoformat()
    assert (found["said"], found["said_error"]) == (0.4, 0.02)  # of the search before, for this date had none
    assert found["came"] == pytest.approx(explained(SEGMENTS, SPEND), abs=1e-6)
    assert 0 < found["came_error"] < 0.1
    assert (found["customers"], found["buyers"]) == (CUSTOMERS, int((SPEND > 0).sum()))
    (row,) = backtest.read(night).to_dict("records")
    assert row == found


def test_without_a_date_that_is_old_enough_there_is_no_account(warehouse_db, tmp_path):
    night = night_of(warehouse_db, tmp_path)
    with warehouse_db.connect() as conn:
        published(conn, THEN + timedelta(days=1), "young", 0.4)
        published(conn, TODAY - timedelta(days=2 * HORIZON), "old", 0.4)
        assigned(conn, THEN + timedelta(days=1))
    assert backtest.take(night) is None
    assert backtest.read(night).empty
    assert backtest.read(replace(night, run_id="another")).empty


@pytest.mark.parametrize(
    ("found", "kept", "beyond_chance"),
    [
        pytest.param({"said": 0.4, "came": 0.2}, 0.5, True, id="half of it"),
        pytest.param({"said": 0.4, "came": 0.36}, 0.9, False, id="within two errors of both"),
        pytest.param({"said": 0.1, "came": 0.2, "said_season": 0.5}, 0.4, True, id="the season counts"),
        pytest.param({"said": 0.4, "came": 0.5}, 1.25, False, id="more than was said"),
    ],
)
def test_what_was_missed_is_told_from_chance(found, kept, beyond_chance):
    row = {"said_error": 0.02, "came_error": 0.02, "said_season": None, "said_season_error": 0.02, **found}
    share, missed = backtest.missed(row)
    assert (share, missed) == (pytest.approx(kept), beyond_chance)


def test_where_nothing_was_said_nothing_is_missed():
    row = {"said": None, "said_error": None, "came": 0.2, "came_error": 0.02, "said_season": None}
    assert backtest.missed({**row, "said_season_error": None}) is None


FINE = {
    **dict.fromkeys(("customers_missing", "rows_of_nobody", "rows_duplicated", "rows_without_cluster"), 0),
    **dict.fromkeys(("rows_with_odd_confidence", "rows_without_outlier", "cents_off"), 0),
    **{"clusters": 4, "smallest_share": 0.1, "largest_share": 0.4, "row_count": 100},
}


@pytest.mark.parametrize(
    ("figures", "severity"),
    [
        ({"foresight_kept": 0.5, "foresight_missed": 1.0}, "warning"),
        ({"foresight_kept": 0.5, "foresight_missed": 0.0}, "info"),
    ],
)
def test_the_gate_warns_of_predictive_validity_that_did_not_come_beyond_chance(figures, severity):
    suite = expectations.customer_segments(Metrics("customer_segments", FINE | figures), Settings(), None)
    assert suite.expected["foresight_kept"].severity == severity
    assert suite.expected["foresight_kept"].least == Settings().quality.warn_validity_kept


def test_the_gate_warns_of_segments_that_rules_cannot_tell():
    told = expectations.customer_segments(
        Metrics("customer_segments", FINE | {"untold_segments": 1}), Settings(), None
    )
    assert told.expected["untold_segments"].most == 0
    assert told.expected["untold_segments"].severity == "warning"
    untold = expectations.customer_segments(Metrics("customer_segments", FINE), Settings(), None)
    assert "untold_segments" not in untold.expected
