"""Ward linkage: one tree, cut for every k."""

import numpy as np
from scipy.cluster.hierarchy import linkage

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, k_trials
from segmentation.modelling.algorithms.linkage import cut
from segmentation.modelling.labellers import NeighbourLabeller

TITLES = {"en": "Ward linkage", "zh": "Ward 层次聚类"}


def _fit(X: np.ndarray, tree: np.ndarray, params: Params, _seed: int) -> Fitted:
    return Fitted(NeighbourLabeller(X, cut(tree, params["k"])))


ALGORITHM = Algorithm(
    name="ward",
    trials=lambda X, settings: k_trials(settings),
    shared=lambda X, settings: linkage(X, method="ward"),
    fit=_fit,
    max_rows=8_000,  # the tree's distances take 8 n^2 / 2 bytes: 256 MB
    labels_rest="nearest labelled customer",
    confidence="share of the 15 nearest labelled customers that agree",
)
