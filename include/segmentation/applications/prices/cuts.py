"""Weeks in which a product cost less than before and after, for whoever bought it.

The price of a product in a week is the one that three of four of its lines lie at or below: a coupon, a rebate
on many pieces or a wrong line moves it little. It is cut when it lies below the usual price, the smaller of the
medians of the weeks before and of those after: a new price is no cut, and neither is the last week of a
season's price. Who buys shapes the price, too: in a week in which only those come who have coupons, all lines
are cheap. A cut therefore needs more cheap lines than chance brings from the product's ordinary weeks.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from segmentation.applications.prices.response import WINDOW_WEEKS

Array = np.ndarray

MIN_LINES = 3  # of a week's price
MIN_WEEKS = 3  # with a price, on either side of a cut
CHANCE = 1e-4  # that so many lines are cheap in an ordinary week; some thousands of weeks are looked at


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
