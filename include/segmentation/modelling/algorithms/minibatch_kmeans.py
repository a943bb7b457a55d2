"""Mini-batch k-means: k-means on batches, for the largest samples."""

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, k_trials
from segmentation.modelling.labellers import CentreLabeller

TITLES = {"en": "mini-batch k-means", "zh": "小批量 k 均值"}
BATCH_ROWS = 1_024


def _fit(X: np.ndarray, _shared: None, params: Params, seed: int) -> Fitted:
    model = MiniBatchKMeans(params["k"], n_init=5, batch_size=BATCH_ROWS, random_state=seed).fit(X)
    return Fitted(CentreLabeller(model.cluster_centers_))


ALGORITHM = Algorithm(
    name="minibatch_kmeans",
    trials=lambda X, settings: k_trials(settings),
    fit=_fit,
    max_rows=1_000_000,
    labels_rest="nearest centre",
    confidence="1 - distance to own centre / distance to second nearest",
)
