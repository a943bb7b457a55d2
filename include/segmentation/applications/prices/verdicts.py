"""Outcome of each level of a grouping: what can be told, or the reason why nothing can."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from segmentation.applications.prices.response import Purchases, Response, responses
from segmentation.settings.applications import Prices

CAN, CANNOT = "can be told", "cannot be told"
FAMILY = 0.02  # chance that anything is told of a grouping in which prices do nothing
PLACEBO_LEVEL = 0.95
MAX_FALSE_ALARMS = 0.1  # of the shuffles; with more, the method does not fit the shop
DIGITS = 4


@dataclass(frozen=True)
class Trial:
    """The evidence that is asked for; `min_buyers` are the fewest of whom anything is told."""

    settings: Prices
    min_buyers: int

    def verdicts(
        self, purchases: Purchases, levels: tuple[str, ...], false_alarms: float = 0.0
    ) -> Iterator[dict[str, Any]]:
        """A row a level: ratio, interval, placebo and what is behind them, `outcome` and `reason`.

        The intervals of a grouping hold all its ratios together, in 98 of 100. `false_alarms` is the share of
        shuffles in which something is told.
        """
        level = 1 - FAMILY / max(len(levels), 1)
        for name, response, placebo in zip(levels, *responses(purchases), strict=True):
            reason = self._reason(response, placebo, level)
            if reason is None and false_alarms > MAX_FALSE_ALARMS:
                reason = "shuffles"
            yield {"level": name, **self._row(response, placebo, level, reason)}

    def false_alarms(
        self, purchases: Purchases, levels: tuple[str, ...], seed: int, shuffles: int | None = None
    ) -> float:
        """Share of shuffles of the prices' weeks in which something is told of any level."""
        generator = np.random.default_rng(seed)
        alarms = [
            any(row["outcome"] == CAN for row in self.verdicts(purchases.shuffled(generator), levels))
            for _ in range(shuffles or self.settings.shuffles)
        ]
        return round(float(np.mean(alarms)), DIGITS)

    def _reason(self, response: Response, placebo: Response, level: float) -> str | None:
        """Reason why nothing can be told; None where something can."""
        if response.products < self.settings.min_products or response.weeks < self.settings.min_weeks:
            return "few_cuts"
        if response.buyers < self.min_buyers or not np.isfinite(response.error):
            return "few_buyers"
        if np.isfinite(placebo.error) and not _holds_one(placebo.interval(PLACEBO_LEVEL)):
            return "differed_before"
        return "no_difference" if _holds_one(response.interval(level)) else None

    def _row(self, response: Response, placebo: Response, level: float, reason: str | None) -> dict[str, Any]:
        is_estimated = reason not in ("few_cuts", "few_buyers")
        return {
            "outcome": CANNOT if reason else CAN,
            "reason": reason,
            **_figures("ratio", response, level, is_estimated),
            **_figures("placebo_ratio", placebo, PLACEBO_LEVEL, is_estimated),
            "products": response.products,
            "cuts": response.cuts,
            "weeks": response.weeks,
            "buyers": response.buyers if response.buyers >= self.min_buyers else None,
        }


def _figures(name: str, response: Response, level: float, is_estimated: bool) -> dict[str, float | None]:
    """The ratio and its bounds, rounded; None where there are too few cuts or buyers for them."""
    values = (float(np.exp(response.log_ratio)), *response.interval(level))
    is_shown = is_estimated and bool(np.isfinite(response.error))
    names = (name, f"{name}_low", f"{name}_high")
    return {key: round(value, DIGITS) if is_shown else None for key, value in zip(names, values, strict=True)}


def _holds_one(interval: tuple[float, float]) -> bool:
    return interval[0] <= 1 <= interval[1]
