"""The naive forecast: what was spent in the last days goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segmentation.modelling.forecasters.base import Array, Expectation, Sample, Today

WINDOWS = (30, 90, 180, 365)
BUYING = 0.9  # of who bought in the window, without a past to count it in
SILENT = 0.1


@dataclass(frozen=True)
class GoOn:
    """The window's spend, and the share of buyers among those who bought in it and among the others."""

    window: int
    days: int
    active: float
    silent: float

    def expect(self, known: pd.DataFrame) -> Expectation:
        bought = known[f"order_days_{self.window}d"].to_numpy() > 0
        return Expectation(np.where(bought, self.active, self.silent), self.spend(known))

    def spend(self, known: pd.DataFrame) -> Array:
        return known[f"spend_{self.window}d"].to_numpy(dtype=np.float64) * self.days / self.window


def go_on(samples: Sequence[Sample], today: Today, days: int, seed: int) -> GoOn:
    """The last `days` go on; who bought in them buys again as often as who did so in the samples."""
    window = min(WINDOWS, key=lambda each: abs(each - days))
    if not samples:
        return GoOn(window, days, BUYING, SILENT)
    recent = np.concatenate([sample.known[f"order_days_{window}d"].to_numpy() > 0 for sample in samples])
    bought = np.concatenate([sample.bought for sample in samples])
    shares = [(bought[rows].sum() + 0.5) / (rows.sum() + 1) for rows in (recent, ~recent)]
    return GoOn(window, days, float(shares[0]), float(shares[1]))
