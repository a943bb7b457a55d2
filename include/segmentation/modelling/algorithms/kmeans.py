"""k-means: the ten best starts, full data."""

import numpy as np
from sklearn.cluster import KMeans

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, k_trials
from segmentation.modelling.labellers import CentreLabeller

TITLES = {"en": "k-means", "zh": "k 均值"}
MAX_ITER = 300


def _fit(X: np.ndarray, _shared: None, params: Params, seed: int) -> Fitted:
    model = KMeans(params["k"], n_init=10, max_iter=MAX_ITER, random_state=seed).fit(X)
    return Fitted(CentreLabeller(model.cluster_centers_), bool(model.n_iter_ < MAX_ITER))


ALGORITHM = Algorithm(
    name="kmeans",
    trials=lambda X, settings: k_trials(settings),
    fit=_fit,
    everywhere=True,
    max_rows=200_000,
    labels_rest="nearest centre",
    confidence="1 - distance to own centre / distance to second nearest",
)
