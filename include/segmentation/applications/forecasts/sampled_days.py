"""The days of a sample of customers, read once: what was known of them at any earlier date, and what then came.

The same sums as features/customer_history.sql and outcomes.sql, which a test compares: a statement for each of a
dozen dates costs ten times as much.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from segmentation.features import history
from segmentation.modelling.forecasters.base import Array, Flags
from segmentation.warehouse import db

WINDOWS = {"30d": (0, 30), "90d": (0, 90), "180d": (0, 180), "365d": (0, 365), "season": (275, 365)}
CENTS = ("gross_cents", "discount_cents", "returned_cents")
DAY = ("ago", "orders", *CENTS, "lines", "sessions", "carts", "views", "reviews")
CANCELLED = ("ago", "cancelled_ago", "orders", *CENTS)


@dataclass(frozen=True)
class SampledDays:
    """Days by customer and in their order, and what was cancelled of them.

    Attributes
    ----------
    customers : Index of shape (n,), in the order of ids
    place : ndarray of shape (days,)
        Which of the customers.
    days : DataFrame of shape (days, columns of DAY)
        `ago`: days before the date of today.
    cancelled : DataFrame of shape (cancellations, columns of CANCELLED), index: which of `days`
    """

    customers: pd.Index
    place: np.ndarray
    days: pd.DataFrame
    cancelled: pd.DataFrame

    @classmethod
    def read(cls, conn: db.Connection, as_of_date: date, every: int) -> SampledDays:
        """Read the days of one customer in `every` as of a date."""
        whom, params = history.of_sample(conn, as_of_date, every), {"as_of_date": as_of_date}
        kinds, kinds_cancelled = (
            {"customer_id": "text", **dict.fromkeys(columns, "number")} for columns in (DAY, CANCELLED)
        )
        query = db.statement("applications/forecasts/sampled_days.sql", whom=whom)
        days = db.read_frame(conn, query, params, kinds).fillna(0.0)
        query_cancelled = db.statement("applications/forecasts/sampled_cancelled.sql", whom=whom)
        cancelled = db.read_frame(conn, query_cancelled, params, kinds_cancelled).fillna(0.0)
        place, customers = pd.factorize(days["customer_id"])
        row = pd.MultiIndex.from_frame(days[["customer_id", "ago"]])
        cancelled.index = row.get_indexer(pd.MultiIndex.from_frame(cancelled[["customer_id", "ago"]]))
        return cls(pd.Index(customers, name="customer_id"), place, days, cancelled[cancelled.index >= 0])

    @property
    def oldest(self) -> int:
        """Days since the first order; 0 without one."""
        return int(self.days["ago"][self.days["orders"] > 0].max()) if self.days["orders"].any() else 0

    def _remaining(self, name: str, cancelled: pd.DataFrame) -> Array:
        """A figure of each day without what was cancelled of it."""
        gone = np.bincount(cancelled.index, cancelled[name], len(self.days))
        return self.days[name].to_numpy() - gone

    def sums(self, age: int) -> tuple[pd.Index, Array]:
        """The customers who had ordered so many days ago, and the columns of history.sql as they were known then."""
        cancelled = self.cancelled[(self.cancelled["ago"] > age) & (self.cancelled["cancelled_ago"] > age)]
        rows = np.flatnonzero(self.days["ago"] > age)
        ago, place = self.days["ago"].to_numpy()[rows] - age, self.place[rows]
        has_order = self._remaining("orders", cancelled)[rows] > 0
        gross, discount, returned = (self._remaining(name, cancelled)[rows] for name in CENTS)
        lines, sessions, carts, views, reviews = (self.days[name].to_numpy()[rows] for name in DAY[5:])
        within = [(ago > least) & (ago <= most) for least, most in WINDOWS.values()]

        def total(values: np.ndarray) -> Array:
            return self._totals(values, place)

        def most(values: Array, where: Flags) -> Array:
            result = np.full(len(self.customers), -np.inf)
            np.maximum.at(result, place[where], values[where])
            return result

        net = gross - discount - returned
        order_days, first_days, visit_days = total(has_order), most(ago, has_order), -most(-ago, sessions > 0)
        sums = [
            *(first_days, -most(-ago, has_order), order_days),
            *(total(has_order & of) for of in within),
            total(gross),
            *(total(net * of) for of in within),
            most(gross - discount, has_order),
            *(total(values) for values in (discount, returned, lines)),
            *(total(sessions), total(sessions * within[0]), total(sessions * within[1])),
            np.where(np.isinf(visit_days), first_days, visit_days),
            *(total(carts * within[0]), total(carts * within[1]), total(views * within[1]), total(reviews)),
        ]
        ordered = order_days > 0
        return self.customers[ordered], np.stack(sums)[:, ordered]

    def outcome(self, customers: pd.Index, age: int, days: int) -> tuple[Array, Array]:
        """Days with an order, and the net spend, of the days after a date so many days ago, as known today."""
        ago = self.days["ago"].to_numpy()
        rows = np.flatnonzero((ago <= age) & (ago > age - days))
        orders, gross, discount, returned = (
            self._remaining(name, self.cancelled)[rows] for name in ("orders", *CENTS)
        )
        order_days, cents = (
            self._totals(values, self.place[rows])[self.customers.get_indexer(customers)]
            for values in (orders > 0, gross - discount - returned)
        )
        return order_days, np.maximum(cents, 0) / 100

    def _totals(self, values: np.ndarray, place: np.ndarray) -> Array:
        """The sum of the values of each customer's days."""
        return np.bincount(place, values, len(self.customers)).astype(np.float64)
