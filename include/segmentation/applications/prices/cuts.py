"""Weeks in which a product cost less than before and after, for whoever bought it.

The price of a product in a week is the one that three of four of its lines lie at or below: a coupon, a rebate
on many pieces or a wrong line moves it little. It is cut when it lies below the usual price, the smaller of the
medians of the weeks before and of those after: a new price is no cut, and neither is the last week of a
season's price. Who buys shapes the price, too: in a week in which only those come who have coupons, all lines
are cheap. A cut therefore needs more cheap lines than chance brings from the product's ordinary weeks.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from segmentation.applications.prices.response import WINDOW_WEEKS

Array = np.ndarray

MIN_LINES = 3  # of a week's price
MIN_WEEKS = 3  # with a price, on either side of a cut
PRICE = 0.75  # of a week's lines lie at or below its price
CENT_DIGITS = 4  # digits of a cent that a week's price is rounded to
CHANCE = 1e-4  # that so many lines are cheap in an ordinary week; some thousands of weeks are looked at


@dataclass(frozen=True)
class Lines:
    """Order lines in the order of product, week and price; the lines of a product and week are a *cell*.

    Attributes
    ----------
    products : Index
        Their ids, in order.
    product, week : ndarray
        Of each line: the position in `products`, and the week from 0 to `weeks`.
    price : ndarray
        Of a piece, in currency units.
    """

    products: pd.Index
    product: Array
    week: Array
    price: Array
    weeks: int

    @classmethod
    def of(cls, frame: pd.DataFrame, weeks: int) -> "Lines":
        """The lines of a frame of `product_id, week, price` in any order."""
        product, products = pd.factorize(frame["product_id"], sort=True)
        week, price = frame["week"].to_numpy(dtype=np.int64), frame["price"].to_numpy(dtype=float)
        order = np.lexsort((price, product * weeks + week))
        return cls(pd.Index(products), product[order], week[order], price[order], weeks)

    @cached_property
    def cells(self) -> tuple[Array, Array, Array]:
        """Cells: the number of each (product * weeks + week, rising), the first of its lines, and how many."""
        number, first, lines = np.unique(
            self.product * self.weeks + self.week, return_index=True, return_counts=True
        )
        return number, first, lines

    def by_week(self) -> pd.DataFrame:
        """The price of each cell that has enough lines to tell it: `product_id, week, lines, price`."""
        number, first, lines = self.cells
        enough = lines >= MIN_LINES
        number, first, lines = number[enough], first[enough], lines[enough]
        cents = 100 * self.price[first + np.ceil(PRICE * lines).astype(np.int64) - 1]
        product_id = self.products.to_numpy()[number // self.weeks]
        price = np.round(cents, CENT_DIGITS) / 100
        return pd.DataFrame(
            {"product_id": product_id, "week": number % self.weeks, "lines": lines, "price": price}
        )

    def around(self, candidates: pd.DataFrame) -> pd.DataFrame:
        """The lines of each candidate's week, and of the ordinary weeks around it, and those that were cheap.

        `candidates` has `product_id, week, threshold`, up to which a price is cheap; weeks that are candidates
        are not ordinary. Added are `lines, cheap_lines, usual_lines, usual_cheap_lines`.
        """
        product = self.products.get_indexer(pd.Index(candidates["product_id"]))
        own = product * self.weeks + candidates["week"].to_numpy()
        threshold = candidates["threshold"].to_numpy(dtype=float)
        lines, cheap = self._cheap(own, threshold)
        usual, usual_cheap = np.zeros_like(lines), np.zeros_like(lines)
        for weeks in (each for each in range(-WINDOW_WEEKS, WINDOW_WEEKS + 1) if each):
            week = candidates["week"].to_numpy() + weeks
            is_ordinary = (week >= 0) & (week < self.weeks) & ~np.isin(own + weeks, own)
            there, there_cheap = self._cheap(own + weeks, threshold)
            usual += is_ordinary * there
            usual_cheap += is_ordinary * there_cheap
        return candidates.assign(
            lines=lines, cheap_lines=cheap, usual_lines=usual, usual_cheap_lines=usual_cheap
        )

    @cached_property
    def _ranks(self) -> tuple[Array, Array]:
        """The different prices in order, and a rising key of the lines: of their cell, and of their price in it."""
        different, rank = np.unique(self.price, return_inverse=True)
        return different, (self.product * self.weeks + self.week) * (len(different) + 1) + rank

    def _cheap(self, cell: Array, threshold: Array) -> tuple[Array, Array]:
        """Count the lines of these cells, and those of them at or below a price each."""
        number, first, lines = self.cells
        place = np.minimum(np.searchsorted(number, cell), max(len(number) - 1, 0))
        is_there = number[place] == cell
        different, key = self._ranks
        bound = cell * (len(different) + 1) + np.searchsorted(different, threshold, side="right")
        cheap = np.searchsorted(key, bound) - first[place]
        return is_there * lines[place], is_there * cheap


@dataclass(frozen=True)
class Prices:
    """Prices of products by week (products x weeks; NaN where too few lines tell it)."""

    products: pd.Index
    price: Array

    @classmethod
    def of(cls, frame: pd.DataFrame, weeks: int) -> "Prices":
        """The prices of a frame of `product_id, week, lines, price`; weeks count from 0."""
        reliable = frame[frame["lines"] >= MIN_LINES]
        products = pd.Index(np.unique(reliable["product_id"].to_numpy(dtype=str)), name="product_id")
        price = np.full((len(products), weeks), np.nan)
        price[products.get_indexer(reliable["product_id"]), reliable["week"]] = reliable["price"]
        return cls(products, price)

    def usual(self) -> Array:
        """The smaller of the medians before and after each week; NaN where either has too few prices."""
        before, after = _median_before(self.price), _median_before(self.price[:, ::-1])[:, ::-1]
        return np.minimum(before, after)


def _median_before(price: Array) -> Array:
    """The median of the prices of the weeks before each; NaN where there are too few."""
    padded = np.pad(price, ((0, 0), (WINDOW_WEEKS, 0)), constant_values=np.nan)[:, :-1]
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_WEEKS, axis=1)
    priced_weeks = np.isfinite(windows).sum(axis=2)
    ordered = np.sort(windows, axis=2)  # NaN last
    middle = np.clip((priced_weeks - 1) // 2, 0, None)[:, :, None]
    return np.where(priced_weeks >= MIN_WEEKS, np.take_along_axis(ordered, middle, axis=2)[:, :, 0], np.nan)


def candidates(prices: Prices, min_cut: float) -> pd.DataFrame:
    """The weeks that may be cuts: `product_id, week, usual_price, depth`, in order; depth is a share."""
    usual = prices.usual()
    with np.errstate(invalid="ignore"):
        depth = 1 - prices.price / usual
        product, week = np.nonzero(depth >= min_cut)
    return pd.DataFrame(
        {
            "product_id": prices.products.to_numpy()[product],
            "week": week,
            "usual_price": usual[product, week],
            "depth": depth[product, week],
        }
    )


def beyond_chance(counted: pd.DataFrame) -> Array:
    """Mask of the candidates that have more cheap lines than the product's ordinary weeks explain.

    `counted` has `lines, cheap_lines` of the week and `usual_lines, usual_cheap_lines` of the ordinary ones.
    """
    usual = (counted["usual_cheap_lines"] + 1) / (counted["usual_lines"] + 2)
    chance = stats.binom.sf(counted["cheap_lines"] - 1, counted["lines"], usual)
    return np.asarray(chance < CHANCE) & (counted["usual_lines"] >= MIN_LINES).to_numpy()
