"""Terms that all forecasters share: what is known of customers, what they then did, what is expected of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import get_ident
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segmentation.modelling.forecasters.bgnbd import BetaGeometric, History

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
BGNBD_ROWS = 6_000


@dataclass(frozen=True)
class Sample:
    """Customers as they were at a date, and what they did in the days after it.

    Attributes
    ----------
    customers : DataFrame of shape (n, columns of history.sql), index customer_id
    order_days : ndarray of shape (n,)
        Days with an order within `days`.
    spend : ndarray of shape (n,)
        Net spend within `days`, in currency units, at least 0.
    """

    customers: pd.DataFrame
    order_days: Array
    spend: Array
    days: int

    @property
    def bought(self) -> Flags:
        """True where there was an order."""
        return self.order_days > 0

    @classmethod
    def together(cls, samples: Sequence[Sample]) -> Sample:
        """The customers of several dates."""
        return cls(
            pd.concat([sample.customers for sample in samples]),
            np.concatenate([sample.order_days for sample in samples]),
            np.concatenate([sample.spend for sample in samples]),
            samples[0].days,
        )

    def take(self, rows: NDArray[np.int64]) -> Sample:
        """Some of the customers, by their place."""
        return replace(
            self,
            customers=self.customers.iloc[rows],
            order_days=self.order_days[rows],
            spend=self.spend[rows],
        )


@dataclass(frozen=True)
class Today:
    """The customers of the date of a forecast as they are known, and the model of their orders, BG/NBD.

    `bgnbd` is None where nobody has come again; `views` is what forecasters share of what they make of customers.
    """

    customers: pd.DataFrame
    bgnbd: BetaGeometric | None
    views: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, customers: pd.DataFrame, seed: int) -> Today:
        """Fit BG/NBD on a sample of them."""
        rows = np.sort(np.random.default_rng(seed).permutation(len(customers))[:BGNBD_ROWS])
        try:
            return cls(customers, BetaGeometric.fit(history(customers.iloc[rows])))
        except ValueError:
            return cls(customers, None)

    def foreseen(self, customers: pd.DataFrame, days: int) -> tuple[Array, Array]:
        """Probability of an order, and the order days to expect, by BG/NBD; of the customers a thread saw last."""
        if self.bgnbd is None:
            raise TooYoungError("no customer has ordered a second time")
        key = "foreseen", days, get_ident()
        if key not in self.views or self.views[key][0] is not customers:
            past = history(customers)
            self.views[key] = customers, self.bgnbd.probability(past, days), self.bgnbd.orders(past, days)
        return self.views[key][1:]


@dataclass(frozen=True)
class Expectation:
    """Probability of an order, and the spend to expect in currency units, of each customer."""

    probability: Array
    spend: Array

    @classmethod
    def together(cls, parts: Sequence[Expectation]) -> Expectation:
        """The expectations of several parts of the customers."""
        return cls(
            np.concatenate([part.probability for part in parts]),
            np.concatenate([part.spend for part in parts]),
        )


class Fitted(Protocol):
    """A forecaster that has learned."""

    def expect(self, customers: pd.DataFrame) -> Expectation:
        """The expectation of customers within the days that it has learned."""
        ...


class Forecaster(Protocol):
    """An entry of the registry."""

    def __call__(self, samples: Sequence[Sample], today: Today, days: int, seed: int) -> Fitted:
        """Learn from samples with an outcome of `days`, and from the customers of today as they are known.

        Raises
        ------
        TooYoungError
            The shop has not the past that this forecaster needs.
        """
        ...


class TooYoungError(ValueError):
    """There is too little to learn from."""


def history(customers: pd.DataFrame) -> History:
    """The three numbers of BG/NBD, in days."""
    return History.of(
        customers["order_days"].to_numpy() - 1,
        (customers["first_days"] - customers["last_days"]).to_numpy(),
        customers["first_days"].to_numpy(),
    )
