"""The choice among recommenders, by what they would have recommended in the shop's own past.

A trial trains on what was bought before a cut and looks at what was bought in the horizon after it. Of the
customers who then bought something for the first time, *hit* is the share who find at least one such product
among the first 20 recommended to them, and *recall* the mean share of these products that are among the 20.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from segmentation.applications.recommendations.lists import Positions, Shelf, new_products
from segmentation.applications.recommendations.purchases import Purchases
from segmentation.applications.recommendations.recommenders import POPULARITY, Recommender, blocks

LOOKED_AT = 20
MOST_TESTED = 4_000  # customers of a trial; with as many, one trial is enough
SURE = 1.645  # standard errors by which popularity must be beaten: one-sided, 5 %
FEWEST_TESTED = 30  # customers; of fewer nothing is concluded


@dataclass(frozen=True)
class Trial:
    """Purchases before a cut, and what was bought from then to `until`, for the same customers and products.

    `after` has a 1 where a product was bought. Tested are customers who were customers at the cut, on products
    that were sold before it: nobody can recommend what is not there yet.
    """

    cut: date
    until: date
    before: Purchases
    after: sp.csr_matrix

    @cached_property
    def is_known(self) -> NDArray[np.bool_]:
        """True of products that were sold before the cut."""
        return self.before.buyers() > 0

    @cached_property
    def first_purchases(self) -> sp.csr_matrix:
        """1 where a customer bought a known product after the cut, and never before."""
        after = sp.csr_matrix(self.after.multiply(self.is_known.astype(np.float32)[None, :]))
        matrix = sp.csr_matrix(after - after.multiply(self.before.bought))
        matrix.eliminate_zeros()
        return matrix

    @cached_property
    def tested(self) -> Positions:
        """Positions of the customers tested, at most `MOST_TESTED`."""
        rows = np.flatnonzero((np.diff(self.first_purchases.indptr) > 0) & (np.diff(self.before.starts) > 0))
        tested = min(len(rows), MOST_TESTED)
        return rows[np.arange(tested) * len(rows) // max(tested, 1)]


class Result(NamedTuple):
    """Outcome of a recommender in a trial: of each tested customer the products found, and those there were."""

    recommender: str
    cut: date
    until: date
    hits: NDArray[np.int64]
    bought: NDArray[np.int64]

    @property
    def customers(self) -> int:
        """Customers who bought something new."""
        return len(self.bought)

    @property
    def hit(self) -> float:
        """Share of them who find one of these products in their list; NaN of nobody."""
        return float((self.hits > 0).mean()) if self.customers else float("nan")

    @property
    def recall(self) -> float:
        """Mean share of the products that are in the list."""
        return float((self.hits / self.bought).mean()) if self.customers else float("nan")


def tried(recommender: Recommender, trial: Trial, families: Positions) -> Result:
    """Fit on what was before the cut, and compare with what came after it."""
    recommender.fit(trial.before)
    first_purchases, rows = trial.first_purchases, trial.tested
    shelf = Shelf(trial.is_known, families)
    hits = [np.zeros(0, np.int64)]
    for first, last in blocks(len(rows), trial.before.shape[1]):
        part = rows[first:last]
        top = new_products(recommender, trial.before, part, shelf, LOOKED_AT)
        is_bought = np.pad(first_purchases[part].toarray() > 0, ((0, 0), (0, 1)))  # the last column is NONE
        hits.append(np.take_along_axis(is_bought, top, 1).sum(axis=1))
    return Result(
        recommender.name, trial.cut, trial.until, np.concatenate(hits), np.diff(first_purchases.indptr)[rows]
    )


def chosen(results: Sequence[Result]) -> str:
    """The name of the recommender that is published: the best by hit, or popularity.

    Another one is published where it beats popularity over all trials by more than chance: by `SURE` standard
    errors of the mean difference of the same customers' hits.
    """
    by_name: dict[str, NDArray[np.float64]] = {}
    for result in results:
        hits = (result.hits > 0).astype(float)
        by_name[result.recommender] = np.concatenate([by_name.get(result.recommender, np.zeros(0)), hits])
    base = by_name.get(POPULARITY, np.zeros(0))
    if len(base) < FEWEST_TESTED:
        return POPULARITY
    name = max(by_name, key=lambda one: by_name[one].mean())
    better = by_name[name] - base
    is_sure = better.mean() > SURE * better.std(ddof=1) / np.sqrt(len(better))
    return name if name != POPULARITY and is_sure else POPULARITY
