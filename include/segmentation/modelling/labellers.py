"""Labellers, by which a fitted partition labels any customer: three kinds, all plain arrays, all storable.

Every labeller has `label(X)`: labels of shape (n,), int64, -1 for noise, and confidence of shape
(n,) in 0..1; `nearness(X)`, of shape (n, k): how near each cluster is, the more the nearer, so that the quotient
of two says how clear a border is; and `reordered(order)`, the same labeller with old number order[i] written as i.
Numbers absent from `order` cannot be given any more. What labels a customer is that customer's row
alone: rows may be cut into blocks, and blocks given to threads (`label_in_blocks`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator
from sklearn.metrics import pairwise_distances_chunked
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

NOISE = -1
VOTERS = 15  # neighbours whose agreement is a neighbour labeller's confidence
BLOCK_ROWS = 8_192  # of a fixed size, so that the number of threads changes no row

Labels = tuple[np.ndarray, np.ndarray]


class Neighbours:
    """The nearest labelled customers of X, found once for all labellers that share their points.

    The trials of a linkage tree or of HDBSCAN differ in labels only, and algorithms that fit everybody
    have the same points; finding neighbours again for each of them takes longer than fitting them.
    """

    def __init__(self, X: np.ndarray):
        self.X = X
        self._found: tuple[np.ndarray, Labels] | None = None

    def of(self, points: np.ndarray) -> Labels:
        """Distances to, and row numbers of, the nearest `VOTERS` of `points`, each of shape (n, VOTERS)."""
        if self._found is not None:
            same, neighbours = self._found
            if same is points or np.array_equal(same, points):
                return neighbours
        index = NearestNeighbors(n_neighbors=min(VOTERS, len(points))).fit(points)
        neighbours = index.kneighbors(self.X)
        self._found = points, neighbours
        return neighbours


class CentreLabeller(BaseEstimator):
    """The nearest centre.

    Confidence is 1 - (distance to the own centre) / (distance to the second nearest): 1 on the
    centre, 0 halfway between two; 1 when there is one centre only.

    Parameters
    ----------
    centres : ndarray of shape (k, n_columns)
    """

    def __init__(self, centres: np.ndarray):
        self.centres = centres

    def reordered(self, order: np.ndarray) -> CentreLabeller:
        return CentreLabeller(self.centres[order])

    def label(self, X: np.ndarray) -> Labels:
        parts = [_nearest_two(block) for block in pairwise_distances_chunked(X, self.centres)]
        labels, own, second = (np.concatenate(part) for part in zip(*parts, strict=True))
        ratio = np.divide(own, second, out=np.ones_like(own), where=second > 0)
        return labels, 1.0 - ratio

    def nearness(self, X: np.ndarray) -> np.ndarray:
        """One over the distance to each centre."""
        return _inverse(cdist(X, self.centres))


def _inverse(distances: np.ndarray) -> np.ndarray:
    return 1.0 / np.maximum(distances, np.finfo(float).tiny)


def _nearest_two(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = distances.argmin(axis=1)
    rows = np.arange(len(distances))
    own = distances[rows, labels]
    others = distances.copy()
    others[rows, labels] = np.inf
    return labels, own, others.min(axis=1)


class MixtureLabeller(BaseEstimator):
    """The component with the highest posterior probability, which is the confidence.

    Parameters
    ----------
    mixture : fitted GaussianMixture
    order : ndarray of shape (k,)
        Components in the order of their labels.
    """

    def __init__(self, mixture: GaussianMixture, order: np.ndarray | None = None):
        self.mixture = mixture
        self.order = order

    def reordered(self, order: np.ndarray) -> MixtureLabeller:
        return MixtureLabeller(self.mixture, order if self.order is None else self.order[order])

    def label(self, X: np.ndarray) -> Labels:
        posterior = self.nearness(X)
        return posterior.argmax(axis=1), posterior.max(axis=1)

    def nearness(self, X: np.ndarray) -> np.ndarray:
        """The posterior probability of each component."""
        posterior = self.mixture.predict_proba(X)
        return posterior if self.order is None else posterior[:, self.order]


class NeighbourLabeller(BaseEstimator):
    """The label of the nearest labelled customer.

    Confidence is the share of the 15 nearest labelled customers with the same label, times the
    nearest one's own strength; 0 for noise.

    Parameters
    ----------
    points : ndarray of shape (n_labelled, n_columns)
    labels : ndarray of shape (n_labelled,)
        -1 for noise: whoever is nearest to noise is noise.
    strength : ndarray of shape (n_labelled,), optional
        Strength of membership in 0..1.
    radius : float
        Whoever has no labelled customer within it is noise.
    """

    def __init__(
        self,
        points: np.ndarray,
        labels: np.ndarray,
        strength: np.ndarray | None = None,
        radius: float = np.inf,
    ):
        self.points = points
        self.labels = labels
        self.strength = strength
        self.radius = radius

    def reordered(self, order: np.ndarray) -> NeighbourLabeller:
        new = np.full(max(self.labels.max(), order.max()) + 2, NOISE)  # the last slot is noise's
        new[order] = np.arange(len(order))
        return NeighbourLabeller(self.points, new[self.labels], self.strength, self.radius)

    def without_noise(self) -> NeighbourLabeller:
        """The same, giving everybody the cluster of the nearest customer that has one."""
        is_labelled = self.labels != NOISE
        strength = None if self.strength is None else self.strength[is_labelled]
        return NeighbourLabeller(self.points[is_labelled], self.labels[is_labelled], strength)

    def label(self, X: np.ndarray, near: Neighbours | None = None) -> Labels:
        distances, neighbours = (near or Neighbours(X)).of(self.points)
        nearest = neighbours[:, 0]
        labels = np.where(distances[:, 0] <= self.radius, self.labels[nearest], NOISE)
        agreement = (self.labels[neighbours] == labels[:, None]).mean(axis=1)
        strength = 1.0 if self.strength is None else self.strength[nearest]
        return labels, np.where(labels == NOISE, 0.0, agreement * strength)

    def nearness(self, X: np.ndarray) -> np.ndarray:
        """The share of the 15 nearest labelled customers that each cluster has, the nearest counting as 1 more."""
        near_labels = self.labels[Neighbours(X).of(self.points)[1]]
        votes = np.stack(
            [(near_labels == cluster).sum(axis=1) for cluster in range(self.labels.max() + 1)], axis=1
        )
        nearest = near_labels[:, :1] == np.arange(votes.shape[1])
        return (votes + nearest) / (near_labels.shape[1] + 1)


class PrototypeLabeller(BaseEstimator):
    """The nearest prototype by Gower's distance: per column the share of its range, added up.

    Confidence is as that of `CentreLabeller`.

    Parameters
    ----------
    prototypes : ndarray of shape (k, n_columns)
    weights : ndarray of shape (n_columns,)
        What a unit of a column counts; 0 leaves the column out.
    """

    def __init__(self, prototypes: np.ndarray, weights: np.ndarray):
        self.prototypes = prototypes
        self.weights = weights

    def reordered(self, order: np.ndarray) -> PrototypeLabeller:
        return PrototypeLabeller(self.prototypes[order], self.weights)

    def label(self, X: np.ndarray) -> Labels:
        labels, own, second = _nearest_two(
            cdist(X * self.weights, self.prototypes * self.weights, "cityblock")
        )
        return labels, 1.0 - np.divide(own, second, out=np.ones_like(own), where=second > 0)

    def nearness(self, X: np.ndarray) -> np.ndarray:
        """One over Gower's distance to each prototype."""
        return _inverse(cdist(X * self.weights, self.prototypes * self.weights, "cityblock"))


Labeller = CentreLabeller | MixtureLabeller | NeighbourLabeller | PrototypeLabeller


def label_in_blocks(
    label: Callable[[np.ndarray], tuple[np.ndarray, ...]], X: np.ndarray, threads: int = 1
) -> tuple[np.ndarray, ...]:
    """`label(X)`, block by block and, when `threads` is above 1, several blocks at a time."""
    if len(X) <= BLOCK_ROWS:
        return label(X)
    blocks = [X[start : start + BLOCK_ROWS] for start in range(0, len(X), BLOCK_ROWS)]
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(label, blocks))
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def label_with(labeller: Labeller, near: Neighbours) -> Labels:
    """The labels of `near.X`; neighbours that another labeller has looked up are not looked up again."""
    if isinstance(labeller, NeighbourLabeller):
        return labeller.label(near.X, near)
    return labeller.label(near.X)


def label_without_oneself(labeller: Labeller, near: Neighbours, today: Neighbours) -> np.ndarray:
    """The labels of `near.X`, customers as they were, without each one's own later self among the labelled.

    A customer of a horizon ago is mostly nearest to the same customer of today, whose label knows what was bought
    since. `today.X` has the same customers in the same order as they are today; the labelled customer nearest to that
    is taken for the same, exactly so where the labeller was fitted today. A centre or a mixture remembers nobody.
    """
    if not isinstance(labeller, NeighbourLabeller) or len(labeller.points) < 2:
        return label_with(labeller, near)[0]
    distances, neighbours = near.of(labeller.points)
    oneself = today.of(labeller.points)[1][:, 0]
    place = (neighbours[:, 0] == oneself).astype(int)
    rows = np.arange(len(neighbours))
    is_within = distances[rows, place] <= labeller.radius
    return np.where(is_within, labeller.labels[neighbours[rows, place]], NOISE)


def published(labeller: Labeller, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of X as they are published, confidence, and who is noise.

    Noise gets the cluster of the nearest labelled customer that has one, who mostly is among those that
    were found already.
    """
    near = Neighbours(X)
    labels, confidence = label_with(labeller, near)
    noise = labels == NOISE
    if not noise.any() or not isinstance(labeller, NeighbourLabeller):
        return labels, confidence, noise
    of_the_nearest = labeller.labels[near.of(labeller.points)[1][noise]]
    has_one = of_the_nearest != NOISE
    nearest_cluster = np.take_along_axis(of_the_nearest, has_one.argmax(axis=1)[:, None], 1)[:, 0]
    if not (is_settled := has_one.any(axis=1)).all():
        nearest_cluster[~is_settled] = labeller.without_noise().label(X[noise][~is_settled])[0]
    settled = labels.copy()
    settled[noise] = nearest_cluster
    return settled, confidence, noise
