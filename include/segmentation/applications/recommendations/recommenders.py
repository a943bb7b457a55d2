"""The recommenders that a shop's past decides among: popularity, neighbours by cosine or ridge, truncated SVD.

Each is fitted on purchases, and then scores blocks of customers: a dense array of customers and products in
which more is better. None looks at what a customer has bought already; `lists` leaves that out.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from segmentation.applications.recommendations.purchases import Purchases
from segmentation.modelling.threads import one_thread

POPULARITY = "popularity"
CELLS_A_BLOCK = 1_000_000  # of float32: 4 MB, which the allocator keeps and the cache nearly holds
NEIGHBOURS = 200  # kept of each product
POPULARITY_DAYS = 60.0  # half-life of popularity, among candidates and where scores are equal
TIE = 1e-5  # share of popularity in every score: what else is equal, the more popular goes first
RANKS = (12, 16, 64)
MOST_FACTORS = max(RANKS)
RIDGE = 5.0  # mean diagonals of the Gram matrix that are added to its diagonal
MOST_REGRESSED = 10_000  # products, by buyers: their dense matrix of float32 has 400 MB
TREND_DAYS, TREND_BUYERS = 45.0, 5.0  # half-life of lately; buyers as most products have, added to each
FITTED_CUSTOMERS = 200_000  # of which factors and neighbours are found
Scores = NDArray[np.float32]
Rows = NDArray[np.int64]


class Recommender(Protocol):
    """A way to score products for customers."""

    name: str

    def fit(self, purchases: Purchases) -> "Recommender":
        """Learn from everybody's purchases; returns itself."""

    def scores(self, rows: Rows) -> Scores:
        """Scores of all products for the customers at these positions."""


def popularity_of(purchases: Purchases, half_life_days: float | None = POPULARITY_DAYS) -> Scores:
    """The popularity of each product, 0 to 1."""
    buyers = purchases.buyers(half_life_days)
    return (buyers / max(buyers.max(initial=0), 1e-12)).astype(np.float32)


def blocks(rows: int, columns: int) -> list[tuple[int, int]]:
    """Consecutive ranges of rows with at most `CELLS_A_BLOCK` cells each."""
    step = max(1, CELLS_A_BLOCK // max(1, columns))
    return [(first, min(first + step, rows)) for first in range(0, rows, step)]


@dataclass
class Popularity:
    """Everybody gets what most customers have bought lately."""

    name: str = POPULARITY
    half_life_days: float | None = None
    popular_: Scores = field(init=False, repr=False)

    def fit(self, purchases: Purchases) -> "Popularity":
        """Count the buyers."""
        self.popular_ = popularity_of(purchases, self.half_life_days)
        return self

    def scores(self, rows: Rows) -> Scores:
        """The same for everybody."""
        return np.tile(self.popular_, (len(rows), 1))


@dataclass
class Neighbours:
    """Products that are bought by the same customers: the cosine of their columns (Sarwar et al., 2001).

    A customer's score of a product is the sum of its cosines with what the customer bought, weighted by how
    lately that was. `half_life_days` is of these weights.
    """

    name: str
    half_life_days: float | None = None
    seed: int = 0
    tastes_: sp.csr_matrix = field(init=False, repr=False)
    similar_: sp.csr_matrix = field(init=False, repr=False)
    tie_: Scores = field(init=False, repr=False)

    def fit(self, purchases: Purchases) -> "Neighbours":
        """Find the neighbours of each product."""
        self.tastes_ = purchases.tastes(self.half_life_days)
        self.similar_ = self.similar(purchases)
        self.tie_ = TIE * popularity_of(purchases)
        return self

    def similar(self, purchases: Purchases) -> sp.csr_matrix:
        """The neighbours of each product, a row each."""
        return neighbours(self.tastes_, self.seed)

    def scores(self, rows: Rows) -> Scores:
        """Sums of cosines."""
        sums = (self.tastes_[rows] @ self.similar_).toarray()
        sums += self.tie_
        return sums


@dataclass
class Ridge(Neighbours):
    """Neighbours by ridge regression: what of a product's buyers the other products do not say already.

    EASE (Steck, 2019): the cosine counts a product again with everything that is bought beside it, the
    regression of each product on all others counts it once. With `is_trending` a product is worth more that
    is bought more often lately than it was.
    """

    is_trending: bool = False

    def similar(self, purchases: Purchases) -> sp.csr_matrix:
        """The products with the largest coefficients for each product, a row each."""
        key = (type(self).__name__, self.half_life_days, self.seed)
        if key not in purchases.fitted:
            purchases.fitted[key] = coefficients(self.tastes_, self.seed)
        similar = purchases.fitted[key]
        return sp.csr_matrix(similar @ sp.diags_array(trend(purchases))) if self.is_trending else similar


@dataclass
class Factors:
    """Truncated SVD of the matrix: the purchases as a few tastes say they should be (Cremonesi et al., 2010)."""

    name: str
    rank: int = MOST_FACTORS
    half_life_days: float | None = None
    seed: int = 0
    tastes_: sp.csr_matrix = field(init=False, repr=False)
    factors_: Scores = field(init=False, repr=False)
    tie_: Scores = field(init=False, repr=False)

    def fit(self, purchases: Purchases) -> "Factors":
        """Find the factors of the products."""
        self.tastes_ = purchases.tastes(self.half_life_days)
        key = (type(self).__name__, self.half_life_days, self.seed)
        if key not in purchases.fitted:
            purchases.fitted[key] = factors(self.tastes_, self.seed)
        self.factors_ = purchases.fitted[key][: self.rank]
        self.tie_ = TIE * popularity_of(purchases)
        return self

    def scores(self, rows: Rows) -> Scores:
        """The matrix of that rank."""
        products = (self.tastes_[rows] @ self.factors_.T) @ self.factors_
        products += self.tie_
        return products


def factors(tastes: sp.csr_matrix, seed: int) -> Scores:
    """The first right singular vectors of the matrix, the largest first, from at most `FITTED_CUSTOMERS` rows.

    Fewer than `MOST_FACTORS` are their beginning, so that several ranks cost as much as one.
    """
    from sklearn.utils.extmath import randomized_svd

    tastes = drawn(tastes, seed)
    rank = max(1, min(MOST_FACTORS, min(tastes.shape) - 1))
    return randomized_svd(tastes, rank, random_state=seed)[2].astype(np.float32)


def drawn(tastes: sp.csr_matrix, seed: int) -> sp.csr_matrix:
    """Draw at most `FITTED_CUSTOMERS` rows, in their order: products are known well by so many."""
    if tastes.shape[0] <= FITTED_CUSTOMERS:
        return tastes
    rows = np.random.default_rng(seed).permutation(tastes.shape[0])[:FITTED_CUSTOMERS]
    return tastes[np.sort(rows)]


def neighbours(tastes: sp.csr_matrix, seed: int = 0, most: int = NEIGHBOURS) -> sp.csr_matrix:
    """The `most` similar products of each product, a row each, with their cosine, 0 to 1.

    A customer counts for less the more products he has bought: the rows are divided by the root of their
    number, without which a few resellers make everything alike. The Gram matrix of the columns is made a
    block of rows at a time. Nothing is similar to itself.
    """
    tastes = drawn(tastes, seed)
    products = tastes.shape[1]
    bought = np.maximum(np.diff(tastes.indptr), 1)
    weighted = sp.diags_array((1 / np.sqrt(bought)).astype(np.float32)) @ tastes
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=0), np.float32)).ravel()
    weighted = sp.csr_matrix(weighted @ sp.diags_array(1 / np.maximum(length, np.float32(1e-12))))
    columns = weighted.T.tocsr()
    parts = []
    for first, last in blocks(products, products):
        cosines = (columns[first:last] @ weighted).toarray()
        cosines[np.arange(last - first), np.arange(first, last)] = 0
        parts.append(_largest(cosines, most))
    return sp.vstack(parts, format="csr") if parts else empty(0)


def coefficients(tastes: sp.csr_matrix, seed: int = 0, most: int = NEIGHBOURS) -> sp.csr_matrix:
    """The `most` largest coefficients of each product in the regressions of all others on it, a row each.

    With P the inverse of the Gram matrix with its ridge, the coefficient of product i for product j is
    -P[i, j] / P[j, j] (Steck, 2019). Rows are divided as for the cosine; what is negative is left out. Of more
    than `MOST_REGRESSED` products those with most buyers are looked at, the others have none.
    """
    tastes, products = drawn(tastes, seed), tastes.shape[1]
    regressed = np.sort(np.argsort(-tastes.count_nonzero(axis=0), kind="stable")[:MOST_REGRESSED])
    if not tastes.nnz:
        return empty(products)
    bought = np.maximum(np.diff(tastes.indptr), 1)
    weighted = sp.csr_matrix(sp.diags_array((bought**-0.25).astype(np.float32)) @ tastes[:, regressed])
    columns, gram = weighted.T.tocsr(), np.empty((len(regressed), len(regressed)), np.float32)
    for first, last in blocks(len(regressed), len(regressed)):
        gram[first:last] = (columns[first:last] @ weighted).toarray()
    gram[np.diag_indices_from(gram)] += RIDGE * gram.diagonal().mean()
    inverse = inverted(gram)
    scale = -1 / inverse.diagonal()
    parts = []
    for first, last in blocks(len(regressed), len(regressed)):
        rows, columns_of = np.arange(first, last)[:, None], np.arange(len(regressed))[None, :]
        part = np.where(columns_of <= rows, inverse[first:last], inverse[:, first:last].T)
        parts.append(_largest(np.maximum(part * scale, 0), most))
    largest = sp.vstack(parts, format="coo")
    places = (regressed[largest.row], regressed[largest.col])
    return sp.csr_matrix((largest.data, places), shape=(products, products))


def inverted(gram: Scores) -> Scores:
    """The inverse of a symmetric positive definite matrix in its place; of it the lower triangle is valid."""
    from scipy.linalg import lapack

    with one_thread():
        factor, failed = lapack.spotrf(gram.T, lower=0, overwrite_a=1)
        inverse, failed_too = lapack.spotri(factor, lower=0, overwrite_c=1)
    if failed or failed_too:
        raise ValueError(f"a Gram matrix of {len(gram)} products that is not positive definite")
    return inverse.T


def trend(purchases: Purchases) -> Scores:
    """The buyers of each product lately against all that it had: 1 where its share of everybody's is the same."""
    ever, lately = purchases.buyers(), purchases.buyers(TREND_DAYS)
    share = lately.sum() / max(ever.sum(), 1)
    return ((lately / max(share, 1e-12) + TREND_BUYERS) / (ever + TREND_BUYERS)).astype(np.float32)


def empty(products: int) -> sp.csr_matrix:
    """No neighbours of any product."""
    nothing = np.zeros(0, np.int64)
    return sp.csr_matrix((np.zeros(0, np.float32), (nothing, nothing)), shape=(products, products))


def _largest(cosines: Scores, most: int) -> sp.csr_matrix:
    """The largest values of each row, and those equal to the least of them, without zeros."""
    if most < cosines.shape[1]:
        bound = -np.partition(-cosines, most - 1, axis=1)[:, most - 1]
        cosines[cosines < bound[:, None]] = 0
    return sp.csr_matrix(cosines)


def candidates(seed: int) -> list[Recommender]:
    """Make the recommenders that are compared; the first is the naive baseline."""
    return [
        Popularity(),
        Neighbours("neighbours", None, seed),
        Neighbours("neighbours_90d", 90.0, seed),
        Ridge("ridge", None, seed),
        Ridge("ridge_trend", None, seed, is_trending=True),
        *(Factors(f"factors{rank}", rank, None, seed) for rank in RANKS),
    ]
