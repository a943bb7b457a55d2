"""Lists out of scores: the best products of each customer, one of a family, each with its reason."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from segmentation.applications.recommendations.purchases import Purchases
from segmentation.applications.recommendations.recommenders import Recommender, Scores, blocks, popularity_of

WIDER = 4  # so many times the products wanted are looked at for one of each family
NONE = -1  # no product, no reason
THREADS = 2
Positions = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Lists(NamedTuple):
    """Lists of consecutive customers, from position `first`; products are positions, `NONE` where none are left.

    The first `new[row]` products of a row were never bought by the customer, the others were. `because` is
    the product of the customer's own with which each is bought, itself where it was bought before.
    """

    first: int
    new: Positions
    products: Positions
    because: Positions


class Shelf(NamedTuple):
    """The products that may be recommended, and the family of each."""

    is_sold: Flags
    families: Positions


def best(scores: Scores, families: Positions, count: int) -> Positions:
    """The best products of each row, one of a family, in order; what scores -inf is not among them.

    Among equal scores the first position wins.
    """
    width = min(scores.shape[1], count * WIDER)
    if not width:
        return np.full((len(scores), count), NONE)
    top = np.sort(np.argpartition(scores, scores.shape[1] - width, axis=1)[:, -width:], axis=1)
    order = np.argsort(-np.take_along_axis(scores, top, 1), axis=1, kind="stable")
    top = np.take_along_axis(top, order, 1)
    is_out = np.isneginf(np.take_along_axis(scores, top, 1))
    top[is_out | is_repeated(families[top])] = NONE
    return _resized(first_valid(top), count)


def is_repeated(groups: Positions) -> Flags:
    """True where a row has had the same group before."""
    order = np.argsort(groups, axis=1, kind="stable")
    ordered = np.take_along_axis(groups, order, 1)
    again = np.zeros(groups.shape, bool)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    repeated = np.empty_like(again)
    np.put_along_axis(repeated, order, again, 1)
    return repeated


def first_valid(products: Positions) -> Positions:
    """Each row with `NONE` moved to its end."""
    return np.take_along_axis(products, np.argsort(products == NONE, axis=1, kind="stable"), 1)


def _resized(products: Positions, count: int) -> Positions:
    missing = max(0, count - products.shape[1])
    return np.pad(products, ((0, 0), (0, missing)), constant_values=NONE)[:, :count]


def new_products(
    recommender: Recommender, purchases: Purchases, rows: Positions, shelf: Shelf, count: int
) -> Positions:
    """The best of what the customers at these positions have never bought."""
    scores = recommender.scores(rows)
    scores[:, ~shelf.is_sold] = -np.inf
    bought = purchases.bought[rows]
    scores[_rows_of(bought), bought.indices] = -np.inf
    return best(scores, shelf.families, count)


def bought_before(own: sp.csr_matrix, shelf: Shelf, count: int) -> Positions:
    """The best of what customers have bought; `own` are their rows of `own_scores`."""
    on_sale = sp.csr_matrix(own.multiply(shelf.is_sold.astype(np.float32)[None, :]))
    on_sale.eliminate_zeros()
    counts = np.diff(on_sale.indptr)
    width = max(int(counts.max(initial=0)), 1)
    places = np.arange(width)[None, :] < counts[:, None]
    scores = np.full(places.shape, -np.inf, np.float32)
    products = np.zeros(places.shape, np.int64)
    scores[places], products[places] = on_sale.data, on_sale.indices
    order = np.argsort(-scores, axis=1, kind="stable")[:, : count * WIDER]
    top = np.take_along_axis(products, order, 1)
    top[np.isneginf(np.take_along_axis(scores, order, 1))] = NONE
    families = np.where(top == NONE, -1, shelf.families[top])
    top[is_repeated(families)] = NONE
    return _resized(first_valid(top), count)


def own_scores(purchases: Purchases) -> sp.csr_matrix:
    """Days on which each product was bought; the popularity of the product decides among equals."""
    return purchases.matrix(purchases.orders + 0.5 * popularity_of(purchases)[purchases.product])


class Similar:
    """The cosines of products with their neighbours, to be looked up one by one."""

    def __init__(self, neighbours: sp.csr_matrix) -> None:
        neighbours.sort_indices()
        self.width = neighbours.shape[1]
        self.keys = _rows_of(neighbours) * self.width + neighbours.indices  # rising
        self.values = neighbours.data

    def __call__(self, rows: NDArray[np.integer], columns: Positions) -> Scores:
        """The cosines of these pairs, 0 where they are no neighbours."""
        if not len(self.keys):
            return np.zeros(len(rows), np.float32)
        pairs = rows.astype(np.int64) * self.width + columns
        place = np.minimum(np.searchsorted(self.keys, pairs), len(self.keys) - 1)
        return np.where(self.keys[place] == pairs, self.values[place], np.float32(0))


def because_of(products: Positions, tastes: sp.csr_matrix, similar: Similar) -> Positions:
    """The product of a customer's own that speaks most for each product of the list; `NONE` where none does.

    `tastes` are the rows of the customers of the list.
    """
    counts = np.diff(tastes.indptr)
    reasons = np.full(products.shape, NONE)
    if not tastes.nnz:
        return reasons
    rows = _rows_of(tastes)
    starts = tastes.indptr[:-1][counts > 0]
    for place in range(products.shape[1]):
        explained = products[rows, place]
        value = tastes.data * similar(tastes.indices, explained)
        largest = np.repeat(np.maximum.reduceat(value, starts), counts[counts > 0])
        is_reason = (value == largest) & (value > 0) & (explained != NONE)
        # written backwards, so that the first of equals stays
        reasons[rows[is_reason][::-1], place] = tastes.indices[is_reason][::-1]
    return reasons


def _rows_of(matrix: sp.csr_matrix) -> Positions:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def lists(
    recommender: Recommender,
    purchases: Purchases,
    shelf: Shelf,
    similar: sp.csr_matrix,
    products: int,
    repeats: int,
) -> Iterator[Lists]:
    """The lists of everybody, by blocks of customers in order: at most `products`, `repeats` of them bought before.

    `similar` are the neighbours by which a product is explained.
    """
    tastes, own, look_up = purchases.bought, own_scores(purchases), Similar(similar)

    def of_block(span: tuple[int, int]) -> Lists:
        again = bought_before(own[span[0] : span[1]], shelf, repeats)
        unknown = new_products(recommender, purchases, np.arange(*span), shelf, products)
        room = products - (again != NONE).sum(axis=1)
        unknown[np.arange(products)[None, :] >= room[:, None]] = NONE
        because = because_of(unknown, tastes[span[0] : span[1]], look_up)
        both = np.concatenate([unknown, again], axis=1)
        order = np.argsort(both == NONE, axis=1, kind="stable")[:, :products]
        reasons = np.concatenate([because, again], axis=1)
        return Lists(
            span[0],
            (unknown != NONE).sum(axis=1),
            np.take_along_axis(both, order, 1),
            np.take_along_axis(reasons, order, 1),
        )

    spans = blocks(*purchases.shape)
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(spans), THREADS):  # no more in memory than are worked on
            yield from pool.map(of_block, spans[start : start + THREADS])
