"""Intervals: of a customer's spend, and of the spend of many customers together.

A customer spends nothing with probability 1 - p, else an amount whose logarithm is normal around what is
expected of a buyer. The spread of the logarithm is what buyers differed by from their expectation on dates that
can be looked back on. What a group spends differs besides by what all customers of a date have in common: the
season, and what the model has got wrong. That is measured on groups of customers with like expectations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from segmentation.modelling.forecasters.base import Array, Expectation, Sample

COVERED = 0.8
Z = float(ndtri((1 + COVERED) / 2))
GROUPS = 10
USUAL = 0.9  # the spread of a buyer's log spend, where there is no past
LEAST_BUYERS = 20
SEASONAL, UNSEASONAL = 0.08, 0.2  # the least common spread with a year before seen, and without


@dataclass(frozen=True)
class Spread:
    """Standard deviations of logarithms: `own` of a buyer's spend, `common` of a group's total."""

    own: float = USUAL
    common: float = UNSEASONAL

    @classmethod
    def of(cls, past: Sequence[tuple[Expectation, Sample]], is_seasonal: bool) -> Spread:
        """Measure both on forecasts that are looked back on, each made as of its own date."""
        least = SEASONAL if is_seasonal else UNSEASONAL
        residuals = [_buyers_off(expected, came) for expected, came in past]
        off = np.concatenate(residuals) if residuals else np.empty(0)
        if len(off) < LEAST_BUYERS:
            return cls(USUAL, 2 * least if not past else least)
        low, high = np.quantile(off, [(1 - COVERED) / 2, (1 + COVERED) / 2])
        own = float(np.clip((high - low) / (2 * Z), 0.1, 2.0))
        return cls(own, max(least, _common(past, own)))

    def customer(self, expected: Expectation) -> tuple[Array, Array]:
        """The 10th and 90th percentile of each customer's spend."""
        p = np.clip(expected.probability, 1e-6, 1.0)
        median = expected.spend / p * np.exp(-(self.own**2) / 2)

        def quantile(share: float) -> Array:
            within = np.clip((share - (1 - p)) / p, 0.0, 1 - 1e-9)
            amount = median * np.exp(self.own * ndtri(np.maximum(within, 1e-9)))
            return np.where(within > 0, amount, 0.0)

        return quantile((1 - COVERED) / 2), quantile((1 + COVERED) / 2)

    def variance(self, expected: Expectation) -> Array:
        """The variance of each customer's spend by itself."""
        p = np.clip(expected.probability, 1e-6, 1.0)
        return np.square(expected.spend) * (np.exp(self.own**2) / p - 1)

    def total(self, spend: float, variance: float) -> tuple[float, float]:
        """The 10th and 90th percentile of a group's total: the sums of expected spend and of variances."""
        if spend <= 0:
            return 0.0, 0.0
        width = Z * np.sqrt(self.common**2 + np.log1p(variance / spend**2))
        return float(spend * np.exp(-width)), float(spend * np.exp(width))


def _buyers_off(expected: Expectation, came: Sample) -> Array:
    """Logarithms of what buyers spent over what was expected of them as buyers."""
    amount = expected.spend / np.clip(expected.probability, 1e-6, 1.0)
    rows = came.bought & (came.spend > 0) & (amount > 0)
    return np.log(came.spend[rows] / amount[rows])


def groups(expected: Expectation) -> list[np.ndarray]:
    """Rows of customers by tenths of what is expected of them."""
    order = np.argsort(expected.spend, kind="stable")
    return [rows for rows in np.array_split(order, GROUPS) if rows.size]


def _common(past: Sequence[tuple[Expectation, Sample]], own: float) -> float:
    """The common spread with which the intervals of groups on all dates would have held what came."""
    spread = Spread(own, 0.0)
    off, chance = [], []
    for expected, came in past:
        variances = spread.variance(expected)
        for rows in groups(expected):
            total, actual = expected.spend[rows].sum(), came.spend[rows].sum()
            if total > 0 and actual > 0:
                off.append(abs(np.log(actual / total)))
                chance.append(np.log1p(variances[rows].sum() / total**2))
    if not off:
        return 0.0
    offs, chances = np.array(off), np.array(chance)

    def missed(common: float) -> float:
        return float((offs <= Z * np.sqrt(common**2 + chances)).mean() - COVERED)

    tried = np.linspace(0.0, 1.0, 101)
    return float(next((each for each in tried if missed(each) >= 0), 1.0))
