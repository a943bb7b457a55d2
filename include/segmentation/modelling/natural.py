"""Natural movement: customers who change between segments that nobody draws anew, the nine named ones of RFM.

How many customers may be moved is no number of its own: in a shop where half of them are elsewhere after a quarter, a
tenth more is nothing, and in one where a fifth are, it is what a marketer notices. See docs/adr/0010.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

RFM = ("recency_days", "frequency_orders", "monetary")

# Quintiles of recency (5: the most recent) and of frequency and spend together; the first that fits.
NAMED = (
    ("champions", (5, 5), (4, 5)),
    ("loyal", (3, 4), (4, 5)),
    ("potential loyalists", (4, 5), (2, 3)),
    ("new", (4, 5), (1, 1)),
    ("need attention", (3, 3), (3, 3)),
    ("about to sleep", (3, 3), (1, 2)),
    ("cannot lose them", (1, 2), (5, 5)),
    ("at risk", (1, 2), (3, 4)),
    ("hibernating", (1, 2), (1, 2)),
)


@dataclass(frozen=True)
class Room:
    """Customers whom a replacement may move, as a share of all.

    Attributes
    ----------
    allowed : float
        Within a horizon: who changes between named RFM segments, less whom the model in use moves.
    owed : float
        Of what replacements moved, the part that has not come back with time.
    """

    allowed: float
    owed: float = 0.0

    @property
    def left(self) -> float:
        return max(self.allowed - self.owed, 0.0)


def room(natural: float, own: float, moved: float, age_days: int | None, horizon_days: int) -> Room:
    """The room that there is, where a replacement moved a share `moved` of the customers `age_days` ago.

    Parameters
    ----------
    natural, own : float
        Share of customers who changed segment within a horizon, of the named ones and of the model in use.
    """
    allowed = max(natural - own, 0.0)
    return Room(allowed, max(moved - allowed * (age_days or 0) / horizon_days, 0.0))


def quintiles(column: pd.Series) -> np.ndarray:
    """1..5, the largest are 5; ties in the order of customers."""
    return np.ceil(column.rank(method="first").to_numpy() / len(column) * 5).astype(int)


def named_segments(frame: pd.DataFrame) -> pd.Series:
    """The number in `NAMED` of the segment of each customer; `frame` has the columns `RFM`, without gaps."""
    recency, frequency, money = (quintiles(frame[name]) for name in RFM)
    recency, worth = 6 - recency, np.ceil((frequency + money) / 2).astype(int)
    named = np.full(len(frame), -1)
    for number, (_, (r0, r1), (w0, w1)) in enumerate(NAMED):
        fits = (named < 0) & (recency >= r0) & (recency <= r1) & (worth >= w0) & (worth <= w1)
        named[fits] = number
    return pd.Series(named, index=frame.index)


def moved(before: pd.Series, now: pd.Series) -> float:
    """Share of the customers of both dates whose segment is another one; NaN where there are none."""
    both = before.index.intersection(now.index)
    return float((before[both] != now[both]).mean())
