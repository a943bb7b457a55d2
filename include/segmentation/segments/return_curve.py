"""The return curve of a shop: of customers who are silent for so many days, the share that orders again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from segmentation.features import history
from segmentation.settings import Lifecycle, Settings
from segmentation.warehouse import db

LEAST_RETURNS = 100  # silences that ended; with fewer there is no curve
COOLING, LAPSED = 1 / 2, 1 / 4  # of the share that returns right after an order
SHORTEST_DAYS = 7
POINTS = (7, 30, 60, 90, 120, 180, 270, 365)  # days, at which the curve is shown


@dataclass(frozen=True)
class ReturnCurve:
    """Share of customers that orders again, after 0, 1, 2... days of silence.

    The Kaplan-Meier estimate: silences that still last count as long as they have been seen. Who would come back
    only after the longest silence seen counts as not coming.
    """

    share: NDArray[np.float64]

    @classmethod
    def of(cls, silences: Sequence[tuple[int, int, int]]) -> ReturnCurve | None:
        """Count (days, how many silences ended then, how many have lasted so long); None of too few."""
        if sum(ended for _, ended, _ in silences) < LEAST_RETURNS:
            return None
        longest = max(days for days, _, _ in silences)
        ended, lasting = np.zeros(longest + 1), np.zeros(longest + 1)
        for days, ends, lasts in silences:
            ended[days] += ends
            lasting[days] += lasts
        at_risk = np.cumsum((ended + lasting)[::-1])[::-1]
        silent = np.cumprod(1 - ended / np.maximum(at_risk, 1))  # still silent after so many days
        last = np.flatnonzero(ended)[-1]
        never = silent[last]
        return cls(1 - never / np.maximum(silent[: last + 1], never if never > 0 else 1e-12))

    def after(self, days: int) -> float:
        """The share that orders again after so many days of silence."""
        return float(self.share[days]) if days < len(self.share) else 0.0

    @property
    def points(self) -> list[tuple[int, float]]:
        """Days of silence and the share that orders again, at a few places that were seen."""
        return [(days, round(self.after(days), 4)) for days in POINTS if days < len(self.share)]

    def bounds(self, lifecycle: Lifecycle) -> Lifecycle:
        """Cooling: the share has fallen to half of what it is right after an order; lapsed: to a quarter."""
        start = self.share[0]
        cooling, lapsed = (
            max(SHORTEST_DAYS, int(np.argmax(np.append(self.share, 0.0) < share * start)))
            for share in (COOLING, LAPSED)
        )
        days = {"cooling_recency_days": cooling, "lapsed_recency_days": max(lapsed, cooling + 1)}
        return lifecycle.model_copy(update=days)


def read(conn: db.Connection, as_of_date: date, customers: int) -> ReturnCurve | None:
    """The curve of a date, of a sample of its customers; None for a shop that is too young."""
    whom = history.of_sample(conn, as_of_date, history.share_sampled(customers))
    rows = db.rows(conn, db.statement("segments/silences.sql", whom=whom), {"as_of_date": as_of_date})
    return ReturnCurve.of([(row["silent_days"], row["ended"], row["lasting"]) for row in rows])


def bounds(conn: db.Connection, settings: Settings, as_of_date: date, customers: int) -> Lifecycle:
    """The bounds in force on a date: those of the settings, or of the shop's own curve (`lifecycle: auto`)."""
    lifecycle = settings.lifecycle
    return of(read(conn, as_of_date, customers), lifecycle) if lifecycle.auto else lifecycle


def of(curve: ReturnCurve | None, lifecycle: Lifecycle) -> Lifecycle:
    """The bounds by a curve, where the settings want that and there is one."""
    return curve.bounds(lifecycle) if lifecycle.auto and curve is not None else lifecycle
