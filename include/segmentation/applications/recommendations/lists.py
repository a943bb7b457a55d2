"""Lists out of scores: the best products of each customer, one of a family, each with its reason."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from segmentation.applications.recommendations.purchases import Purchases
from segmentation.applications.recommendations.recommenders import (
    Popularity,
    Recommender,
    Scores,
    blocks,
    popularity_of,
)

WIDER = 4  # so many times the products wanted are looked at for one of each family
PARTS = 4  # so many parts of a row for each product wanted: of their largest, the bound of the largest
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
    top = largest(scores, min(scores.shape[1], count * WIDER))
    top[is_repeated(np.where(top == NONE, NONE, families[top]))] = NONE
    return _resized(first_valid(top), count)


def largest(scores: Scores, width: int) -> Positions:
    """The positions of the `width` largest of each row, in order, `NONE` where no more are above -inf."""
    if not width:
        return np.full((len(scores), 0), NONE)
    bound = np.maximum(_reached(scores, width), np.finfo(scores.dtype).min)[:, None]
    rows, columns = np.divmod(np.flatnonzero(scores >= bound), scores.shape[1])
    counts = np.bincount(rows, minlength=len(scores))
    places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    positions = np.full((len(scores), max(width, counts.max(initial=0))), NONE)
    values = np.full(positions.shape, -np.inf, scores.dtype)
    positions[rows, places], values[rows, places] = columns, scores[rows, columns]
    order = np.argsort(-values, axis=1, kind="stable")[:, :width]
    return np.take_along_axis(positions, order, 1)


def _reached(scores: Scores, width: int) -> Scores:
    """A value that at least `width` of each row reach, and few more.

    So many parts of the row have a largest one that is not below it. The exact value takes a sort of the whole row.
    """
    parts = PARTS * width
    rows, columns = scores.shape
    whole = columns // parts * parts
    if not whole:
        return np.partition(scores, columns - width, axis=1)[:, -width]
    largest_of = scores[:, :whole].reshape(rows, -1, parts).max(axis=1)
    np.maximum(largest_of[:, : columns - whole], scores[:, whole:], out=largest_of[:, : columns - whole])
    return np.partition(largest_of, parts - width, axis=1)[:, -width]


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
    bought = purchases.bought[rows]
    if isinstance(recommender, Popularity):
        return _most_popular(recommender.popular_, bought, shelf, count)
    scores = recommender.scores(rows)
    scores[:, ~shelf.is_sold] = -np.inf
    scores[_rows_of(bought), bought.indices] = -np.inf
    return best(scores, shelf.families, count)


def _most_popular(popular: Scores, bought: sp.csr_matrix, shelf: Shelf, count: int) -> Positions:
    """The same of scores that all customers share: no more products are looked at than somebody may have bought."""
    order = np.argsort(-popular, kind="stable")
    most = count * WIDER + int(np.diff(bought.indptr).max(initial=0))
    short = np.sort(order[shelf.is_sold[order]][:most])
    place_of = np.full(len(popular), NONE)
    place_of[short] = np.arange(len(short))
    places = place_of[bought.indices]
    scores = np.tile(popular[short], (bought.shape[0], 1))
    scores[_rows_of(bought)[places != NONE], places[places != NONE]] = -np.inf
    top = best(scores, shelf.families[short], count)
    return np.where(top == NONE, NONE, np.append(short, NONE)[top])


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


def because_of(products: Positions, tastes: sp.csr_matrix, similar: sp.csr_matrix) -> Positions:
    """The product of a customer's own that speaks most for each product of the list; `NONE` where none does.

    `tastes` are the rows of the customers of the list; of products that speak alike, the first is taken.
    """
    counts = np.diff(tastes.indptr)
    reasons = np.full(products.shape, NONE)
    if not tastes.nnz or not similar.nnz:
        return reasons
    rows = _rows_of(tastes)
    explained = products[rows]
    own = np.repeat(tastes.indices, products.shape[1])
    value = np.asarray(similar[own, explained.ravel()]).reshape(explained.shape) * tastes.data[:, None]
    largest_of = np.maximum.reduceat(value, tastes.indptr[:-1][counts > 0], axis=0)
    is_reason = (value == np.repeat(largest_of, counts[counts > 0], axis=0)) & (value > 0)
    entries, places = np.nonzero(is_reason & (explained != NONE))
    # written backwards, so that the first of equals stays
    reasons[rows[entries][::-1], places[::-1]] = tastes.indices[entries][::-1]
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
    tastes, own = purchases.bought, own_scores(purchases)
    similar.sort_indices()  # what is looked up in rows that are in order is found by halving

    def of_block(span: tuple[int, int]) -> Lists:
        again = bought_before(own[span[0] : span[1]], shelf, repeats)
        unknown = new_products(recommender, purchases, np.arange(*span), shelf, products)
        room = products - (again != NONE).sum(axis=1)
        unknown[np.arange(products)[None, :] >= room[:, None]] = NONE
        because = because_of(unknown, tastes[span[0] : span[1]], similar)
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
