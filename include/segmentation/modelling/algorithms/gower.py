"""Gower: average linkage on Gower's distance, then prototypes; for shops that know mostly categories.

Gower's distance (1971) adds up, over features, the difference as a share of the feature's range, and
0 or 1 for a category: one feature, one vote, whatever its spread. In the prepared matrix a category is
a set of columns with two values each; two different categories differ in two of them, so such a
column counts half. The prototypes are medians, which for a category is the commonest value, as in
k-prototypes (Huang 1998).
"""

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import cdist, pdist

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, k_trials
from segmentation.modelling.algorithms.linkage import cut
from segmentation.modelling.labellers import PrototypeLabeller
from segmentation.modelling.settings import ModelSettings

TITLES = {"en": "Gower prototypes", "zh": "Gower 原型"}
ROUNDS = 20


def weights(X: np.ndarray) -> np.ndarray:
    """Weight of a unit of each column: 1 / range, half that for columns of two values, 0 for constants."""
    low, high = X.min(axis=0), X.max(axis=0)
    two = ((low == X) | (high == X)).all(axis=0)
    share = np.where(two, 0.5, 1.0)
    return np.divide(share, high - low, out=np.zeros_like(share), where=high > low)


def _tree(X: np.ndarray, _settings: ModelSettings) -> tuple[np.ndarray, np.ndarray]:
    """The columns' weights, and the tree of average linkage."""
    weight = weights(X)
    return weight, linkage(pdist(X * weight, "cityblock"), method="average")


def _fit(X: np.ndarray, shared: tuple[np.ndarray, np.ndarray], params: Params, _seed: int) -> Fitted:
    weight, tree = shared
    labels, scaled = cut(tree, params["k"]), X * weight
    for _ in range(ROUNDS):
        prototypes = np.array([np.median(X[labels == cluster], axis=0) for cluster in np.unique(labels)])
        nearest = cdist(scaled, prototypes * weight, "cityblock").argmin(axis=1)
        if (nearest == labels).all():
            return Fitted(PrototypeLabeller(prototypes, weight))
        labels = nearest
    return Fitted(PrototypeLabeller(prototypes, weight), converged=False)


ALGORITHM = Algorithm(
    name="gower",
    trials=lambda X, settings: k_trials(settings),
    shared=_tree,
    fit=_fit,
    max_rows=3_000,
    labels_rest="nearest prototype by Gower's distance",
    confidence="1 - distance to own prototype / distance to second nearest",
)
