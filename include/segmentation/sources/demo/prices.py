"""Price cuts of the demo shop: best sellers that cost less for a week, and tempt some kinds of customers."""

from dataclasses import dataclass

import numpy as np

from segmentation.sources.demo.catalogue import CATEGORIES, LIST_CENTS, PRODUCTS_A_CATEGORY
from segmentation.sources.demo.chance import Array, _integer, _key, _stream, _uniform
from segmentation.sources.demo.customers import _Customers
from segmentation.sources.demo.personas import TRAITS

BEST_SELLER_EVERY = 5  # ranks of a category; the catalogue's sales prefer these
BEST_SELLERS_A_CATEGORY = PRODUCTS_A_CATEGORY // BEST_SELLER_EVERY
CUT_CHANCE = 0.05  # of a best seller in a week
CUT_PERCENTS = np.array([15, 20, 25, 30])


@dataclass(frozen=True)
class _Cuts:
    """The per cent that each best seller costs less: an array of weeks x categories x best sellers."""

    first_week: int
    percent: Array

    def of(self, product: Array, day: Array) -> Array:
        """Return the per cent that the products cost less on those days; 0 where they cost what they do."""
        category, rank = np.divmod(product, PRODUCTS_A_CATEGORY)
        best, off = np.divmod(rank, BEST_SELLER_EVERY)
        return np.where(off == 0, self.percent[_week(day) - self.first_week, category, best], 0)

    def one_of(self, category: Array, day: Array, uniform: Array) -> Array:
        """Return a product of the category that costs less on that day, -1 where none does."""
        is_cut = self.percent[_week(day) - self.first_week, category] > 0
        place = (uniform * is_cut.sum(axis=1)).astype(np.int64)
        best = np.argmax(np.cumsum(is_cut, axis=1) > place[:, None], axis=1)
        product = category * PRODUCTS_A_CATEGORY + best * BEST_SELLER_EVERY
        return np.where(is_cut.any(axis=1), product, -1)


def _week(day: Array) -> Array:
    return (day + 3) // 7  # 1970-01-01 was a Thursday; weeks begin on Monday


def _cuts(days: Array) -> _Cuts:
    """Return the cuts of the weeks of those days, the same in every shop."""
    weeks = np.arange(int(_week(days.min())), int(_week(days.max())) + 1)
    best_seller = np.arange(len(CATEGORIES) * BEST_SELLERS_A_CATEGORY, dtype=np.uint64)
    key = _key(_key(_stream("price cut") ^ best_seller, best_seller)[None, :], weeks[:, None])
    percent = np.where(
        _uniform(key, "is cut") < CUT_CHANCE, CUT_PERCENTS[_integer(key, "per cent", 0, len(CUT_PERCENTS))], 0
    )
    return _Cuts(int(weeks[0]), percent.reshape(len(weeks), len(CATEGORIES), BEST_SELLERS_A_CATEGORY))


def _with_cuts(who: _Customers, c: Array, day: Array, key: Array, product: Array) -> tuple[Array, Array]:
    """Return the products bought once a cut has tempted some to another of the category, and their prices.

    How many take the cheaper product is the persona's ``tempted``, in the strength of the shop's cuts.
    """
    if not who.cuts or not len(product):
        return product, LIST_CENTS[product]
    cuts = _cuts(day)
    cheaper = cuts.one_of(product // PRODUCTS_A_CATEGORY, day, _uniform(key, "which cut"))
    is_tempted = _uniform(key, "is tempted") < TRAITS["tempted"][who.persona[c]] * who.cuts
    product = np.where(is_tempted & (cheaper >= 0), cheaper, product)
    return product, LIST_CENTS[product] * (100 - cuts.of(product, day)) // 100
