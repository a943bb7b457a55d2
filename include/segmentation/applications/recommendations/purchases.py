"""Purchases before a date, as a sparse matrix of customers and products."""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

AT_ONCE = 4_000_000  # days that are brought together at once


@dataclass(frozen=True)
class DaysBought:
    """Days before `until` on which customers bought products, in any order.

    A row has customer, product, how many days before `until` it was, and how many days before it the order was
    cancelled (NaN: it was not).
    """

    until: date
    rows: NDArray[np.float32]

    def between(self, since: date, until: date) -> NDArray[np.float32]:
        """Customer, product and age of the days from a date to before another, as all was known at the latter."""
        later, longest = (self.until - until).days, (self.until - since).days
        age, cancelled = self.rows[:, 2], self.rows[:, 3]
        rows = self.rows[(age > later) & (age <= longest) & ~(cancelled > later), :3]
        return rows - np.array([0, 0, later], np.float32)


@dataclass(frozen=True)
class Purchases:
    """One entry a customer and product, in the order of customers and, within one, of products.

    `age_days` is that of the newest purchase, at least 1; `orders` counts the days on which it was bought.
    """

    shape: tuple[int, int]
    starts: NDArray[np.int64]  # where each customer's entries begin; one more than customers
    product: NDArray[np.int32]
    age_days: NDArray[np.float32]
    orders: NDArray[np.float32]
    fitted: dict[tuple[object, ...], Any] = field(
        default_factory=dict, compare=False, repr=False
    )  # of the products, what several recommenders share, once it is found

    @classmethod
    def of_rows(cls, shape: tuple[int, int], rows: NDArray[np.floating]) -> "Purchases":
        """Purchases out of an array of customer, product, age in days and orders, ordered by the first two."""
        counts = np.bincount(rows[:, 0].astype(np.int64), minlength=shape[0])
        return cls(
            shape,
            np.concatenate([[0], np.cumsum(counts)]),
            rows[:, 1].astype(np.int32),
            rows[:, 2].astype(np.float32),
            rows[:, 3].astype(np.float32),
        )

    @classmethod
    def of_days(cls, shape: tuple[int, int], days: NDArray[np.floating]) -> "Purchases":
        """Purchases out of an array of customer, product and age of each day on which it was bought, in any order."""
        starts, products = np.zeros(shape[0] + 1, np.int64), max(shape[1], 1)
        product = np.empty(len(days), np.int32)  # what is not filled takes no memory
        age_days, orders = np.empty(len(days), np.float32), np.empty(len(days), np.float32)
        every, filled = max(1, shape[0] * AT_ONCE // max(len(days), 1)), 0
        for first in range(0, shape[0], every):
            last = min(first + every, shape[0])
            part = days[(days[:, 0] >= first) & (days[:, 0] < last)]
            entries, ages, counts = _entries(part, products)
            ends = np.searchsorted(entries, np.arange(first + 1, last + 1) * products)
            starts[first + 1 : last + 1] = filled + ends
            into = slice(filled, filled + len(entries))
            product[into], age_days[into], orders[into] = entries % products, ages, counts
            filled += len(entries)
        return cls(shape, starts, product[:filled], age_days[:filled], orders[:filled])

    def matrix(self, values: NDArray[np.floating]) -> sp.csr_matrix:
        """A sparse matrix with a value for each entry."""
        return sp.csr_matrix((values.astype(np.float32), self.product, self.starts), shape=self.shape)

    @cached_property
    def bought(self) -> sp.csr_matrix:
        """1 where the customer bought the product."""
        return self.matrix(np.ones(len(self.product), np.float32))

    def decayed(self, half_life_days: float | None) -> NDArray[np.float32]:
        """A weight for each entry: 1 for a purchase of today, half of that after a half-life; None: 1 for all."""
        if half_life_days is None:
            return np.ones(len(self.product), np.float32)
        return np.exp2(-self.age_days / np.float32(half_life_days)).astype(np.float32)

    def tastes(self, half_life_days: float | None) -> sp.csr_matrix:
        """The decayed weights, those of a customer divided by the largest: what was bought last counts 1."""
        weights = self.decayed(half_life_days)
        if len(weights):
            counts = np.diff(self.starts)
            largest = np.maximum.reduceat(weights, self.starts[:-1][counts > 0])
            weights = weights / np.repeat(largest, counts[counts > 0])
        return self.matrix(weights)

    def buyers(self, half_life_days: float | None = None) -> NDArray[np.float64]:
        """Count the customers who bought each product, those of long ago for less."""
        weights = self.decayed(half_life_days)
        return np.bincount(self.product, weights, minlength=self.shape[1]).astype(np.float64)

    def most_bought(self, fewest: int, most: int) -> NDArray[np.int64]:
        """The products that at least `fewest` customers bought, in their order: the `most` with most buyers."""
        buyers = self.buyers()
        order = np.argsort(-buyers, kind="stable")
        return np.sort(order[buyers[order] >= fewest][:most])

    def of_products(self, positions: NDArray[np.int64]) -> "Purchases":
        """The purchases of some of the products, which are numbered anew, in their order."""
        number = np.full(self.shape[1], -1, np.int32)
        number[positions] = np.arange(len(positions))
        product = number[self.product]
        is_kept = product >= 0
        starts = np.concatenate([[0], np.cumsum(is_kept)])[self.starts]
        return Purchases(
            (self.shape[0], len(positions)),
            starts,
            product[is_kept],
            self.age_days[is_kept],
            self.orders[is_kept],
        )


def _entries(
    days: NDArray[np.floating], products: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Customer and product as one number, in order, with the newest age and how many days there are of each."""
    longest = int(days[:, 2].max(initial=0)) + 1
    # one number a day, which are sorted much quicker than rows are
    keys = days[:, 0].astype(np.int64)
    for column, size in ((1, products), (2, longest)):
        keys *= size
        keys += days[:, column].astype(np.int64)
    keys.sort()
    of_entry = keys // longest
    first = np.flatnonzero(np.append(True, of_entry[1:] != of_entry[:-1])[: len(keys)])
    return of_entry[first], keys[first] % longest, np.diff(first, append=len(keys))
