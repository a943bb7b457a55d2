"""Publication of a date's forecasts, within that of its segments."""

from __future__ import annotations

from segmentation import applications
from segmentation.applications.forecasts.samples import FOLDER
from segmentation.runs.night import Night
from segmentation.warehouse import db, partitions

Z = 1.2815515655446004  # of an interval that holds 80 % of a normal distribution
AS_STAGED = {
    "forecast_models": (
        *("as_of_date", "forecaster", "horizon_days", "dates_learned_from", "customers_learned_from"),
        *("has_season", "level", "own_spread", "common_spread", "own_spread_365d", "common_spread_365d"),
        *("scores", "cooling_recency_days", "lapsed_recency_days", "has_own_bounds"),
    ),
    "return_curve": ("as_of_date", "silent_days", "returning_share"),
    "forecast_backtests": (
        *("as_of_date", "forecast_date", "kind", "forecaster", "segment_id", "customers", "buyers"),
        *("auc", "brier", "brier_base", "calibration_error", "mae", "spearman", "top_decile_share"),
        *("expected_spend", "expected_spend_low", "expected_spend_high", "actual_spend"),
    ),
}


def count(conn: db.Connection, night: Night, assignments: str) -> None:
    """Sum what the run has staged over its clusters, whose customers are in a table, and stage the sums."""
    forecasts, models = (
        applications.staged(night, name) for name in ("customer_forecasts", "forecast_models")
    )
    if db.scalar(conn, "select to_regclass(%(name)s)", {"name": forecasts}) is None:
        return
    db.execute(
        conn, "set local max_parallel_workers_per_gather = 0"
    )  # a sum depends on the order in which they add
    query = db.statement(
        f"{FOLDER}/forecast_sums.sql", staged=forecasts, models=models, assignments=assignments
    )
    applications.stage(conn, night, "forecast_sums", query)


def publish(conn: db.Connection, night: Night) -> None:
    """Write what the run has staged, and the sums of its segments; a run that staged nothing has no forecasts."""
    staged, sums = (applications.staged(night, name) for name in ("customer_forecasts", "forecast_sums"))
    if db.scalar(conn, "select to_regclass(%(name)s)", {"name": staged}) is None:
        return
    for table, columns in AS_STAGED.items():
        name = applications.staged(night, table)
        db.run_file(conn, f"{FOLDER}/copy.sql", table=table, staged=name, columns=", ".join(columns))
    partition = f"segments.{partitions.name('customer_forecasts', night.as_of_date)}"
    written = db.run_file(
        conn, f"{FOLDER}/customer_forecasts.sql", night.params, staged=staged, partition=partition
    )
    db.execute(conn, f"analyze {partition}")  # readers come at once
    bounds = {"min_customers": night.settings.privacy.min_customers, "z": Z}
    db.run_file(conn, f"{FOLDER}/segment_forecasts.sql", {**night.params, **bounds}, sums=sums)
    if written != db.scalar(conn, f"select coalesce(sum(customers), 0) from {sums}"):
        db.run_file(conn, f"{FOLDER}/without_segment.sql", night.params, partition=partition)
