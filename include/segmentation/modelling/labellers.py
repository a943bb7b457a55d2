"""How a fitted partition labels any customer: three kinds, all plain arrays, all storable.

Every labeller has `label(X)`: labels of shape (n,), int64, -1 for noise, and confidence of shape
(n,) in 0..1; and `reordered(order)`, the same labeller with old number order[i] written as i.
Numbers absent from `order` cannot be given any more.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import pairwise_distances_chunked
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

NOISE = -1
VOTERS = 15  # neighbours whose agreement is a neighbour labeller's confidence


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

    def label(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = [_nearest_two(block) for block in pairwise_distances_chunked(X, self.centres)]
        labels, own, second = (np.concatenate(part) for part in zip(*parts, strict=True))
        ratio = np.divide(own, second, out=np.ones_like(own), where=second > 0)
        return labels, 1.0 - ratio


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

    def label(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        posterior = self.mixture.predict_proba(X)
        if self.order is not None:
            posterior = posterior[:, self.order]
        return posterior.argmax(axis=1), posterior.max(axis=1)


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
        kept = self.labels != NOISE
        strength = None if self.strength is None else self.strength[kept]
        return NeighbourLabeller(self.points[kept], self.labels[kept], strength)

    def label(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        index = NearestNeighbors(n_neighbors=min(VOTERS, len(self.points))).fit(self.points)
        distances, neighbours = index.kneighbors(X)
        nearest = neighbours[:, 0]
        labels = np.where(distances[:, 0] <= self.radius, self.labels[nearest], NOISE)
        agreement = (self.labels[neighbours] == labels[:, None]).mean(axis=1)
        strength = 1.0 if self.strength is None else self.strength[nearest]
        return labels, np.where(labels == NOISE, 0.0, agreement * strength)


Labeller = CentreLabeller | MixtureLabeller | NeighbourLabeller


def settled(labeller: Labeller, X: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """`labels` of X as they are published: noise gets the cluster of the nearest that has one."""
    noise = labels == NOISE
    if not noise.any() or not isinstance(labeller, NeighbourLabeller):
        return labels
    settled_labels = labels.copy()
    settled_labels[noise], _ = labeller.without_noise().label(X[noise])
    return settled_labels
