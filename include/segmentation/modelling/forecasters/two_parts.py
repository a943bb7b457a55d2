"""Forecasts in two parts, learned from the shop's own past: whether somebody buys, and for how much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from segmentation.modelling.forecasters import columns
from segmentation.modelling.forecasters.base import Array, Expectation, Sample, Today, TooYoungError
from segmentation.modelling.forecasters.bgnbd import BetaGeometric
from segmentation.modelling.representations.transformers import PercentileRanks

MOST_ROWS = 6_000  # of each sample
LEAST_OF_A_KIND = 10  # buyers, and others; with fewer nothing is learned


@dataclass(frozen=True)
class View:
    """Customers as both parts see them: percentile ranks among those of the same date, and log money."""

    ranks: Array
    money: Array


class Parts(Protocol):
    """A fitted pair."""

    def probability(self, view: View) -> Array: ...

    def log_value(self, view: View) -> Array: ...


Learn = Callable[[View, Array, Array, int], Parts]


@dataclass(frozen=True)
class TwoParts:
    """The fitted pair, with what turns customers into a view.

    Attributes
    ----------
    smearing : float
        Mean spend of buyers over the mean of exp(log value): Duan 1983.
    """

    parts: Parts
    bgnbd: BetaGeometric | None
    among: PercentileRanks
    unit: float
    days: int
    smearing: float

    @classmethod
    def learned(cls, learn: Learn, samples: Sequence[Sample], today: Today, days: int, seed: int) -> TwoParts:
        """Learn from all samples together; each one's ranks are among the customers of its own date."""
        bought = [sample.bought for sample in samples]
        buyers = int(sum(each.sum() for each in bought))
        if min(buyers, sum(map(len, bought)) - buyers) < LEAST_OF_A_KIND:
            raise TooYoungError("too few customers bought, or did not buy, within the horizon")
        unit = columns.unit_of(today.customers)
        views, drawn = [], []
        for sample in samples:
            rows = np.sort(np.random.default_rng(seed).permutation(len(sample.customers))[:MOST_ROWS])
            views.append(_view(sample.customers, rows, today, days, unit, seed))
            drawn.append(sample.take(rows))
        view = View(np.concatenate([v.ranks for v in views]), np.concatenate([v.money for v in views]))
        spend = np.concatenate([sample.spend for sample in drawn])
        buys = np.concatenate([sample.bought for sample in drawn])
        log_value = np.log(np.maximum(spend[buys] / unit, 0.01))
        parts = learn(view, buys, log_value, seed)
        of_buyers = View(view.ranks[buys], view.money[buys])
        smearing = spend[buys].sum() / (unit * np.exp(parts.log_value(of_buyers)).sum())
        return cls(parts, today.bgnbd, _among(today, days, seed), unit, days, float(smearing))

    def expect(self, customers: pd.DataFrame) -> Expectation:
        table = columns.described(customers, self.bgnbd, self.days)
        view = View(columns.ranked(table, self.among), columns.money(table, self.unit))
        probability = self.parts.probability(view)
        return Expectation(
            probability, probability * self.smearing * self.unit * np.exp(self.parts.log_value(view))
        )


def _view(customers: pd.DataFrame, rows: np.ndarray, today: Today, days: int, unit: float, seed: int) -> View:
    """Some of the customers as both parts see them, ranked among all; made once for all who learn for a day."""
    key = id(customers), days, unit, seed
    if key not in today.views:
        table = columns.described(customers, today.bgnbd, days)
        among = PercentileRanks(seed).fit(table.to_numpy())
        some = table.iloc[rows]
        view = View(columns.ranked(some, among), columns.money(some, unit))
        today.views[key] = customers, view  # with the customers, so that the key stays theirs
    return today.views[key][1]


def _among(today: Today, days: int, seed: int) -> PercentileRanks:
    """The ranks of today's customers."""
    key = "today", days, seed
    if key not in today.views:
        table = columns.described(today.customers, today.bgnbd, days)
        today.views[key] = PercentileRanks(seed).fit(table.to_numpy())
    return today.views[key]
