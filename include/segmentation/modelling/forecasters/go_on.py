"""The naive forecast: what was spent in the last days goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segmentation.modelling.forecasters.base import Array, Expectation, Sample, Today

WINDOWS = (30, 90, 180, 365)
SILENT = 1 / 3  # of the share of buyers among the active, without a past to count it in


@dataclass(frozen=True)
class GoOn:
    """The window's spend, and the share of buyers among those who bought in it and among the others."""

    window: int
    days: int
    active: float
    silent: float

    def expect(self, customers: pd.DataFrame) -> Expectation:
        bought = customers[f"order_days_{self.window}d"].to_numpy() > 0
        return Expectation(np.where(bought, self.active, self.silent), self.spend(customers))

    def spend(self, customers: pd.DataFrame) -> Array:
        return customers[f"spend_{self.window}d"].to_numpy(dtype=np.float64) * self.days / self.window


def go_on(samples: Sequence[Sample], today: Today, days: int, seed: int) -> GoOn:
    """The last `days` go on; who bought in them buys again as often as who did so in the samples.

    Without samples the share of customers who have ever come again stands for that.
    """
    window = min(WINDOWS, key=lambda each: abs(each - days))
    if not samples:
        again = (today.customers["order_days"].to_numpy() > 1).sum()
        active = float((again + 0.5) / (len(today.customers) + 1))
        return GoOn(window, days, active, SILENT * active)
    recent = np.concatenate([sample.customers[f"order_days_{window}d"].to_numpy() > 0 for sample in samples])
    bought = np.concatenate([sample.bought for sample in samples])
    shares = [(bought[rows].sum() + 0.5) / (rows.sum() + 1) for rows in (recent, ~recent)]
    return GoOn(window, days, float(shares[0]), float(shares[1]))
