"""Scores of the shape of a partition: silhouettes, variance ratios, density."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import norm
from sklearn.neighbors import NearestNeighbors

from segmentation.modelling.labellers import NOISE
from segmentation.modelling.scores.labels import _one_hot

BLOCK_BYTES = 8 * 2**20  # of one block of distances
DUNN_NEIGHBOURS = 25
DUNN_SOFTNESS = 5
CUT_NEIGHBOURS = 10
RIDGE = 1e-4


def silhouettes(X: np.ndarray, partitions: Sequence[np.ndarray]) -> list[float]:
    """Mean silhouette width of every partition."""
    return [width for width, _ in silhouettes_with_errors(X, partitions)]


def silhouettes_with_errors(X: np.ndarray, partitions: Sequence[np.ndarray]) -> list[tuple[float, float]]:
    """Mean silhouette width of every partition, in one pass over the distances, and its standard error.

    Parameters
    ----------
    X : ndarray of shape (n, n_columns)
    partitions : labels of shape (n,), -1 for noise

    Returns
    -------
    list of (float, float)
        NaN where fewer than two clusters, or no pair within one, are left. The error is that of a mean
        of n widths, as if X were drawn at random from many customers.

    Notes
    -----
    Blocks of distances (float32) times one-hot labels give every customer's sum of distances to
    every cluster of every partition. As in scikit-learn, the width is 0 in a cluster of one. A
    partition's value equals `sklearn.metrics.silhouette_score` without its noise to 1e-5.
    """
    if not partitions:
        return []
    hot = [_one_hot(labels) for labels in partitions]
    counts = np.array([h.shape[1] for h in hot])
    clustered = np.array([h.sum() for h in hot])
    defined = np.flatnonzero((counts >= 2) & (counts < len(X)) & (counts < clustered))
    means, errors = np.full(len(partitions), np.nan), np.full(len(partitions), np.nan)
    if len(defined):
        totals, squares = _sums_of_widths(X, [hot[i] for i in defined])
        members = clustered[defined]
        means[defined] = totals / members
        errors[defined] = np.sqrt(np.maximum(squares / members - np.square(totals / members), 0) / members)
    return list(zip(means.tolist(), errors.tolist(), strict=True))


def _sums_of_widths(X: np.ndarray, hot: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sums over customers of the silhouette width, and of its square, of each partition.

    A cluster that several partitions have (a tree cut at k and at k + 1) is summed once.
    """
    starts = np.cumsum([0, *(h.shape[1] for h in hot)])[:-1]
    stacked = np.concatenate(hot, axis=1)
    sizes = stacked.sum(axis=0, dtype=np.float64)
    own = np.column_stack([start + h.argmax(axis=1) for start, h in zip(starts, hot, strict=True)])
    # noise, and whoever is alone in a cluster, has no width
    counts = np.column_stack([h.any(axis=1) for h in hot]) & (sizes[own] > 1)
    distinct, place = _distinct_columns(stacked)
    totals, squares = np.zeros(len(hot)), np.zeros(len(hot))
    for block, distances in _blocks_of_distances(X):
        away = (distances @ distinct)[:, place]
        mine = own[block]
        within = np.take_along_axis(away, mine, 1) / np.maximum(sizes[mine] - 1, 1)
        away /= sizes.astype(np.float32)
        np.put_along_axis(away, mine, np.inf, 1)
        between = np.minimum.reduceat(away, starts, axis=1).astype(np.float64)
        largest = np.maximum(within, between)
        width = np.divide(between - within, largest, out=np.zeros_like(largest), where=largest > 0)
        width[~counts[block]] = 0.0
        totals += width.sum(axis=0)
        squares += np.square(width).sum(axis=0)
    return totals, squares


def _blocks_of_distances(X: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Some rows, and their distances to all rows of X in float32; valid until the next are computed.

    Squared in float64, |x|^2 - 2 x y + |y|^2 as one product of matrices, in memory that is used again: to be
    given new pages for every block took longer than the products.
    """
    centred = X - X.mean(axis=0)
    norms, ones = np.square(centred).sum(axis=1), np.ones(len(X))
    left = np.column_stack([-2.0 * centred, norms, ones])
    right = np.ascontiguousarray(np.column_stack([centred, ones, norms]).T)
    step = min(len(X), max(1, BLOCK_BYTES // (8 * len(X))))
    squared = np.empty((step, len(X)))
    distances = np.empty((step, len(X)), dtype=np.float32)
    for start in range(0, len(X), step):
        block = slice(start, min(start + step, len(X)))
        rows = block.stop - start
        np.matmul(left[block], right, out=squared[:rows])
        np.maximum(squared[:rows], 0.0, out=squared[:rows])
        squared[np.arange(rows), np.arange(start, block.stop)] = 0.0
        np.sqrt(squared[:rows], out=distances[:rows], casting="same_kind")
        yield block, distances[:rows]


def _distinct_columns(stacked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The columns of 0 and 1 that differ, in the order they come, and which of them each column is."""
    number: dict[bytes, int] = {}
    packed = np.packbits(stacked.astype(bool), axis=0).T
    place = np.array([number.setdefault(column.tobytes(), len(number)) for column in packed])
    _, first = np.unique(place, return_index=True)
    return np.ascontiguousarray(stacked[:, first]), place


def variance_scores(X: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Calinski-Harabasz (the more, the better) and Davies-Bouldin (the less), noise left out.

    Both equal scikit-learn's; NaN where there are fewer than two clusters, or as many as customers.
    """
    X, hot = X[labels != NOISE], _one_hot(labels[labels != NOISE])
    n, k = hot.shape
    if not 2 <= k < n:
        return float("nan"), float("nan")
    sizes = hot.sum(axis=0, dtype=np.float64)
    centres = (hot.T @ X) / sizes[:, None]
    distance = np.linalg.norm(X - centres[hot.argmax(axis=1)], axis=1)
    within = np.square(distance).sum()
    between = (sizes[:, None] * np.square(centres - X.mean(axis=0))).sum()
    spread = (hot.T @ distance) / sizes
    apart = np.linalg.norm(centres[:, None] - centres, axis=2)
    likeness = np.divide(spread[:, None] + spread, apart, out=np.zeros_like(apart), where=apart > 0)
    return (
        float(between / within * (n - k) / (k - 1)) if within > 0 else 1.0,
        float(likeness.max(axis=1).mean()),
    )


def described(X: np.ndarray, labels: np.ndarray) -> float:
    """Share of the variance of X that the segments' means explain, adjusted for their number; noise is unexplained.

    1 - (1 - R2) (n - 1) / (n - k), of Ezekiel (1930); NaN where there are fewer than two clusters, or as many as
    customers, or nothing varies.
    """
    hot = _one_hot(labels)
    n, k = hot.shape
    spread = np.square(X - X.mean(axis=0)).sum()
    if not 2 <= k < n or not spread > 0:
        return float("nan")
    sizes = np.maximum(hot.sum(axis=0, dtype=np.float64), 1)
    between = (sizes[:, None] * np.square(hot.T @ (X - X.mean(axis=0)) / sizes[:, None])).sum()
    return float(1 - (1 - between / spread) * (n - 1) / (n - k))


def _near_neighbours(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances to, and row numbers of, each row's nearest 25 others."""
    count = min(DUNN_NEIGHBOURS + 1, len(X))
    distances, neighbours = NearestNeighbors(n_neighbors=count).fit(X).kneighbors(X)
    return distances[:, 1:], neighbours[:, 1:]


def near_neighbour_dunn(distances: np.ndarray, neighbours: np.ndarray, labels: np.ndarray) -> float:
    """Near-neighbour generalised Dunn index: soft minimum between clusters over mean within.

    Parameters
    ----------
    distances, neighbours : ndarray of shape (n, M)
        To and of each row's M nearest others.

    Returns
    -------
    float
        The more, the better; NaN below two clusters.

    Notes
    -----
    Over all pairs (i, one of i's M = 25 nearest): the smallest distances between clusters, averaged
    with the weights of a half normal curve (standard deviation 5, 15 terms), by the mean distance
    within clusters; "SMin:5" over "Mean" in the family of Gagolewski, Bartoszuk, Cena, "Are cluster
    validity measures (in)valid?", 2021. Where no near pair is in different clusters, the clusters
    are further apart than any neighbours: the largest distance stands in.
    """
    labels_of = labels[neighbours]
    clustered = (labels[:, None] != NOISE) & (labels_of != NOISE)
    if len(np.unique(labels[labels != NOISE])) < 2 or not clustered.any():
        return float("nan")
    differ = clustered & (labels_of != labels[:, None])
    within = distances[clustered & ~differ]
    if not len(within) or within.mean() <= 0:
        return float("nan")
    between = distances[differ] if differ.any() else distances[clustered].max(keepdims=True)
    terms = min(3 * DUNN_SOFTNESS, len(between))
    smallest = np.sort(np.partition(between, terms - 1)[:terms])
    weights = norm.pdf(np.arange(terms), scale=DUNN_SOFTNESS)
    return float(smallest @ weights / weights.sum() / within.mean())


def neighbour_purity(neighbours: np.ndarray, labels: np.ndarray) -> float:
    """Share of a segment among near neighbours, against chance: 1 - sqrt(cut / expected), at least 0.

    Parameters
    ----------
    neighbours : ndarray of shape (n, M)
        Row numbers of each row's nearest others; the first 10 count.
    labels : ndarray of shape (n,)
        As published: without noise.

    Notes
    -----
    cut is the share of pairs (i, one of i's 10 nearest) in different segments, expected what it would
    be at random, 1 - sum of squared shares. A border that runs through a crowd costs, whatever its
    shape; the root makes the first few neighbours that are parted count most. (The normalised cut of
    Shi, Malik 2000 on the graph of nearest neighbours, over all segments at once.)
    """
    shares = np.bincount(labels) / len(labels)
    expected = 1 - np.square(shares).sum()
    if expected <= 0:
        return float("nan")
    cut = (labels[neighbours[:, :CUT_NEIGHBOURS]] != labels[:, None]).mean()
    return float(max(0.0, 1 - np.sqrt(cut / expected)))


def mixture_gain(X: np.ndarray, labels: np.ndarray) -> float:
    """Nats a customer that one Gaussian a cluster describes X better than one for all, after BIC.

    The log-likelihood of the hard partition (shares, means, full covariances with 1e-4 of the mean
    variance added), less half a log n for each parameter (Schwarz 1978). Noise counts with its
    nearest segment, as it is published: leaving out what fits badly must not pay. Negative where
    clusters that touch are not worth their parameters; many columns saturate it.
    """
    n, d = X.shape
    if len(np.unique(labels[labels != NOISE])) < 2:
        return float("nan")
    ridge = RIDGE * X.var(axis=0).mean() * np.eye(d)

    def fit(rows: np.ndarray) -> float:
        covariance = np.cov(rows.T, bias=True).reshape(d, d) if len(rows) > 1 else 0.0
        return -0.5 * len(rows) * float(np.linalg.slogdet(covariance + ridge)[1])

    parts = [X[labels == cluster] for cluster in np.unique(labels)]
    gain = sum(fit(part) + len(part) * np.log(len(part) / n) for part in parts) - fit(X)
    parameters = (len(parts) - 1) * (d + d * (d + 1) / 2 + 1)
    return float((gain - 0.5 * parameters * np.log(n)) / n)
