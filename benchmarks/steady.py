"""A shop whose retention is full: what is kept of old dates beside the facts, for the benchmark `size`.

Every date that retention keeps is published by the product's own path (lease, features where they are kept,
assignment, publication with the packed dates and the intervals of membership), the oldest first, and the weekly
maintenance follows. Instead of a search each customer has one of five segments; six in a thousand move from date to
date, as those of a kept model do. Forecasts are not learned for each date: those of the newest one, made by the
application, are published under the earlier dates as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from benchmarks.nights import silent
from segmentation import applications
from segmentation.applications.membership import APPLICATION as MEMBERSHIP
from segmentation.features import checkpoints
from segmentation.features import table as features
from segmentation.operations import maintenance
from segmentation.publishing import publish as publishing
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.segments.chosen import Chosen, Segment
from segmentation.settings import Settings
from segmentation.warehouse import db, partitions

SEGMENTS = 5
MOVING = 0.006
FORECASTS = "customer_forecasts"


def kept(newest: date, settings: Settings) -> list[date]:
    """The dates whose assignments retention keeps, the oldest first: month-ends, then every day."""
    retention = settings.retention
    daily = [newest - timedelta(days=days) for days in range(retention.assignments_days, -1, -1)]
    months = pd.date_range(end=daily[0] - timedelta(days=1), periods=retention.month_ends, freq="ME")
    since = pd.Timestamp(newest.replace(day=1)) - pd.DateOffset(months=retention.month_ends)
    return [*(month.date() for month in months if month >= since), *daily]


def assignments(customers: list[str], dates: list[date]) -> Iterator[tuple[date, pd.DataFrame]]:
    """The assignment of each date: clusters that hardly move, confidences that are a little different."""
    numbers = np.random.default_rng(7)
    clusters = numbers.integers(0, SEGMENTS, len(customers))
    confidence = numbers.uniform(0.02, 0.98, len(customers))
    for day in dates:
        moving = numbers.random(len(customers)) < MOVING
        clusters = np.where(moving, numbers.integers(0, SEGMENTS, len(customers)), clusters)
        confidence = np.clip(confidence + numbers.normal(0, 0.002, len(customers)), 0, 1)
        yield (
            day,
            pd.DataFrame(
                {
                    "customer_id": customers,
                    "cluster": clusters,
                    "confidence": confidence.round(6),
                    "is_outlier": confidence < 0.05,
                }
            ),
        )


def chosen(frame: pd.DataFrame) -> Chosen:
    """A choice with as little beside the customers as may be: a profile and a candidate."""
    sizes = frame["cluster"].value_counts()
    segments = tuple(
        Segment(
            cluster=int(cluster),
            name=f"Segment {cluster}",
            description="",
            rule="",
            value_tier="mid",
            lifecycle="active",
            customers=int(size),
            share=round(size / len(frame), 6),
            revenue_365d=float(-cluster),
        )
        for cluster, size in sizes.sort_index().items()
    )
    profiles = pd.DataFrame(
        {"cluster": sizes.index, "feature": "spend_365d", "mean": 1.0, "median": 1.0, "p10": 1.0, "p90": 1.0}
    )
    candidate = {"candidate": "k-means", "algorithm": "kmeans", "parameters": "{}", "k": SEGMENTS, "rank": 1}
    leaderboard = pd.DataFrame(
        [{**candidate, "gates_failed": "", "error": "", "chosen": True, "seconds": 0.0}]
    )
    return Chosen("keep", "", None, segments, profiles, leaderboard)


def fill(night: Night) -> int:
    """Publish every date that retention keeps, up to that of a night whose facts are there; returns how many."""
    settings, newest = night.settings, night.as_of_date
    horizon = timedelta(days=settings.model.horizon_days)
    months = pd.date_range((newest - 2 * checkpoints.YEAR).replace(day=1), newest, freq="MS")
    checkpoints.make(night, [month.date() for month in months])
    with night.warehouse.connect(readonly=True) as conn:
        rows = db.rows(conn, "select customer_id from features.customer_features order by customer_id")
    dates = kept(newest, settings)
    applications.prepare(night, "forecasts", silent)
    for day, frame in assignments([row["customer_id"] for row in rows], dates):
        run_id = register.start(night.warehouse, settings, day, f"steady {day}")
        one = replace(night, run_id=run_id, as_of_date=day)
        if newest - timedelta(days=settings.retention.features_days) <= day < newest:
            checkpoints.make(one, [day - horizon, day])
            features.build(one, silent)
        publishing.stage_assignments(one, frame)
        publishing.publish(one, chosen(frame), silent, beside=Beside(night))
    maintenance.run(night.warehouse, settings, night.store, silent, remove_more=True)
    return len(dates)


@dataclass(frozen=True)
class Beside:
    """Intervals of membership by the application, and forecasts of the night that has them."""

    forecast: Night

    def count(self, conn: db.Connection, night: Night, assignments: str) -> None:
        """Neither counts anything before."""

    def publish(self, conn: db.Connection, night: Night) -> None:
        """Write both."""
        MEMBERSHIP.publish(conn, night)
        partitions.ensure(conn, "segments", FORECASTS, night.as_of_date)
        staged = applications.staged(self.forecast, FORECASTS)
        partition = f"segments.{partitions.name(FORECASTS, night.as_of_date)}"
        path = "applications/forecasts/customer_forecasts.sql"
        db.run_file(conn, path, night.params, staged=staged, partition=partition)
