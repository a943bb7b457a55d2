"""Customers as the learning forecasters see them: percentile ranks among those of the same date, and log money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock, get_ident
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from segmentation.modelling.forecasters import columns
from segmentation.modelling.forecasters.base import Array, Sample, Today
from segmentation.modelling.representations.transformers import RANKING_ROWS, PercentileRanks

MOST_ROWS = 4_000  # of each sample, of which several are learned from
_ranking = Lock()  # what is ranked for the lens of one number of days is there for that of another


@dataclass(frozen=True)
class View:
    """Customers as they were at a date.

    Attributes
    ----------
    columns : ndarray of shape (columns, n)
        Logarithms of money in the shop's middle orders, and then ranks, from -1 to 1.
    usual : ndarray of shape (n,)
        Spend of the horizon's days at the customer's own rate, in middle orders.
    learned : dict
        What several forecasters learn alike from these customers, once one has.
    """

    columns: Array
    usual: Array
    learned: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def together(cls, views: Sequence[View]) -> View:
        """The customers of all."""
        return cls(
            np.concatenate([view.columns for view in views], axis=1),
            np.concatenate([view.usual for view in views]),
        )

    @property
    def rank_columns(self) -> Array:
        """The rows of `columns` that are ranks."""
        return self.columns[len(columns.MONEY) :]

    @cached_property
    def matrix(self) -> Array:
        """All columns, of shape (n, columns)."""
        return np.ascontiguousarray(self.columns.T)

    @cached_property
    def ranks(self) -> Array:
        """Ranks alone, of shape (n, columns of ranks)."""
        return np.ascontiguousarray(self.rank_columns.T)

    def take(self, rows: np.ndarray) -> View:
        """Some of the customers, by their place or by a mask."""
        return View(self.columns[:, rows], self.usual[rows])


@dataclass(frozen=True)
class Ranks:
    """Percentile ranks among the customers of a date: of what is known of them, and of what BG/NBD foresees."""

    facts: PercentileRanks
    foreseen: PercentileRanks | None


class Facts(NamedTuple):
    """The part of a view that is the same whatever the days; `daily` is the usual spend of a day, in currency units."""

    columns: Array
    daily: Array


@dataclass(frozen=True)
class Lens:
    """All that turns customers into a view: the date, among whose customers they are ranked, and the unit of money.

    What several forecasters see alike, or alike within all days, is cached in `today.views`; of the customers that
    are looked at, those that a thread saw last.
    """

    today: Today
    unit: float
    days: int
    seed: int

    @classmethod
    def of(cls, today: Today, days: int, seed: int) -> Lens:
        """The lens of a date."""
        if "unit" not in today.views:
            today.views["unit"] = columns.unit_of(today.customers)
        return cls(today, today.views["unit"], days, seed)

    def view(self, customers: pd.DataFrame) -> View:
        """Customers ranked among those of the date; kept, for all who have learned are asked of the same ones."""
        views, key = self.today.views, ("view", self.days, get_ident())
        if key not in views or views[key][0] is not customers:
            views[key] = customers, self._view(customers, self._ranks(self.today.customers))
        return views[key][1]

    def learned_from(self, samples: Sequence[Sample]) -> tuple[View, Sample]:
        """Rows of all samples together, each ranked among the customers of its own date, and what they did.

        The same two for all who learn for the date.
        """
        together, key = self.today.views, ("together", self.days, self.seed, *map(id, samples))
        if key not in together:
            views, drawn = [], []
            for sample in samples:
                rows = np.sort(self._drawn(sample.customers, MOST_ROWS))
                drawn.append(sample.take(rows))
                views.append(self._view(drawn[-1].customers, self._ranks(sample.customers)))
            together[key] = (
                samples,
                View.together(views),
                Sample.together(drawn),
            )  # samples: the key stays theirs
        return together[key][1:]

    def _drawn(self, customers: pd.DataFrame, most: int) -> np.ndarray:
        return np.random.default_rng(self.seed).permutation(len(customers))[:most]

    def _ranks(self, customers: pd.DataFrame) -> Ranks:
        """Ranks among customers of a date."""
        views, bgnbd, key = self.today.views, self.today.bgnbd, ("ranks", id(customers), self.seed)
        of_days = *key, self.days
        if of_days not in views:
            drawn = customers.iloc[self._drawn(customers, RANKING_ROWS)]
            with _ranking:
                if key not in views:  # with the customers, so that the key stays theirs
                    views[key] = self._fitted(columns.described(drawn, bgnbd)), customers
            ahead = self._fitted(columns.foreseen(drawn, self.today, self.days)) if bgnbd else None
            views[of_days] = Ranks(views[key][0], ahead)
        return views[of_days]

    def _fitted(self, table: pd.DataFrame) -> PercentileRanks:
        return PercentileRanks(self.seed).fit(table.to_numpy())

    def _view(self, customers: pd.DataFrame, among: Ranks) -> View:
        facts = self._facts(customers, among.facts)
        all_columns = [facts.columns]
        if among.foreseen is not None:
            ahead = columns.foreseen(customers, self.today, self.days)
            all_columns.append(columns.ranked(ahead, among.foreseen))
        return View(np.concatenate(all_columns), self.days / self.unit * facts.daily)

    def _facts(self, customers: pd.DataFrame, among: PercentileRanks) -> Facts:
        """Facts known of customers as columns; the last ones are kept, for the lens of other days."""
        views, key = self.today.views, ("facts", get_ident())
        cached = views.get(key)
        if cached is None or cached[0] is not customers or cached[1] is not among:
            table = columns.described(customers, self.today.bgnbd)
            facts = np.concatenate([columns.money(table, self.unit), columns.ranked(table, among)])
            cached = views[key] = customers, among, Facts(facts, columns.daily(table))
        return cached[2]
