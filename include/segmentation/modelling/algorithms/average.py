"""Average linkage: one tree, cut for every k, with odd customers as clusters or set aside."""

import numpy as np
from scipy.cluster.hierarchy import linkage

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, k_trials
from segmentation.modelling.algorithms.linkage import cut, cut_into_large
from segmentation.modelling.labellers import NeighbourLabeller
from segmentation.modelling.settings import ModelSettings

TITLES = {"en": "average linkage", "zh": "平均连接层次聚类"}
SMALLEST_SHARES = (0.0, 0.01)


def _trials(_X: np.ndarray, settings: ModelSettings) -> list[Params]:
    return k_trials(settings, smallest_share=SMALLEST_SHARES)


def _fit(X: np.ndarray, tree: np.ndarray, params: Params, _seed: int) -> Fitted:
    k, smallest = params["k"], round(params["smallest_share"] * len(X))
    labels = cut_into_large(tree, k, smallest) if smallest > 1 else cut(tree, k)
    return Fitted(NeighbourLabeller(X, labels))


ALGORITHM = Algorithm(
    name="average",
    trials=_trials,
    shared=lambda X, settings: linkage(X, method="average"),
    fit=_fit,
    max_rows=8_000,  # the tree's distances take 8 n^2 / 2 bytes: 256 MB
    labels_rest="nearest labelled customer",
    noise="clusters with less than a share of the customers, where one is asked for",
    confidence="share of the 15 nearest labelled customers that agree; 0 for noise",
)
