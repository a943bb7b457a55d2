"""Customers as the learning forecasters see them: percentile ranks among those of the same date, and log money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from segmentation.modelling.forecasters import columns
from segmentation.modelling.forecasters.base import Array, Sample, Today
from segmentation.modelling.representations.transformers import PercentileRanks

MOST_ROWS = 4_000  # of each sample, of which several are learned from


@dataclass(frozen=True)
class View:
    """Customers as they were at a date.

    Attributes
    ----------
    ranks : ndarray of shape (n, columns), from -1 to 1
    money : ndarray of shape (n, columns of money), logarithms of the shop's middle orders
    usual : ndarray of shape (n,)
        Spend of the horizon's days at the customer's own rate, in middle orders.
    learned : dict
        What several forecasters learn alike from these customers, once one has.
    """

    ranks: Array
    money: Array
    usual: Array
    learned: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, table: pd.DataFrame, among: PercentileRanks, unit: float, days: int) -> View:
        """See customers as they are described, by their ranks among others."""
        return cls(columns.ranked(table, among), columns.money(table, unit), columns.usual(table, days, unit))

    @classmethod
    def together(cls, views: Sequence[View]) -> View:
        """The customers of all."""
        return cls(
            np.concatenate([view.ranks for view in views]),
            np.concatenate([view.money for view in views]),
            np.concatenate([view.usual for view in views]),
        )

    def take(self, rows: np.ndarray) -> View:
        """Some of the customers, by their place or by a mask."""
        return View(self.ranks[rows], self.money[rows], self.usual[rows])


@dataclass(frozen=True)
class Lens:
    """All that turns customers into a view: the date, among whose customers they are ranked, and the unit of money."""

    today: Today
    among: PercentileRanks
    unit: float
    days: int

    @classmethod
    def of(cls, today: Today, days: int, seed: int) -> Lens:
        """The lens of a date; ranks are fitted once for all who learn for it."""
        key = "today", days, seed
        if key not in today.views:
            table = columns.described(today.customers, today.bgnbd, days)
            today.views[key] = PercentileRanks(seed).fit(table.to_numpy())
        return cls(today, today.views[key], columns.unit_of(today.customers), days)

    def view(self, customers: pd.DataFrame) -> View:
        """Customers ranked among those of the date; kept, for all who have learned are asked of the same ones."""
        views, key = self.today.views, ("view", self.days)
        if key not in views or views[key][0] is not customers:
            table = columns.described(customers, self.today.bgnbd, self.days)
            views[key] = customers, View.of(table, self.among, self.unit, self.days)
        return views[key][1]

    def learned_from(self, samples: Sequence[Sample], seed: int) -> tuple[View, Sample]:
        """Rows of all samples together, each ranked among the customers of its own date, and what they did.

        The same two for all who learn for the date.
        """
        together, key = self.today.views, ("together", self.days, self.unit, seed, *map(id, samples))
        if key not in together:
            views, drawn = [], []
            for sample in samples:
                rows = np.sort(np.random.default_rng(seed).permutation(len(sample.customers))[:MOST_ROWS])
                views.append(self._of_sample(sample.customers, rows, seed))
                drawn.append(sample.take(rows))
            together[key] = (
                samples,
                View.together(views),
                Sample.together(drawn),
            )  # samples: the key stays theirs
        return together[key][1:]

    def _of_sample(self, customers: pd.DataFrame, rows: np.ndarray, seed: int) -> View:
        """Some of the customers, ranked among all; made once for all who learn for the date."""
        views, key = self.today.views, (id(customers), self.days, self.unit, seed)
        if key not in views:
            table = columns.described(customers, self.today.bgnbd, self.days)
            among = PercentileRanks(seed).fit(table.to_numpy())
            view = View.of(table.iloc[rows], among, self.unit, self.days)
            views[key] = customers, view  # with the customers, so that the key stays theirs
        return views[key][1]
