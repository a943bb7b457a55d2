"""Bisecting k-means: the segment with the largest inertia is split, again and again."""

import numpy as np
from sklearn.cluster import BisectingKMeans

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, k_trials
from segmentation.modelling.labellers import CentreLabeller

TITLES = {"en": "bisecting k-means", "zh": "二分 k 均值"}


def _fit(X: np.ndarray, _shared: None, params: Params, seed: int) -> Fitted:
    model = BisectingKMeans(params["k"], n_init=3, random_state=seed).fit(X)
    return Fitted(CentreLabeller(model.cluster_centers_))


ALGORITHM = Algorithm(
    name="bisecting_kmeans",
    trials=lambda X, settings: k_trials(settings),
    fit=_fit,
    everywhere=True,
    max_rows=200_000,
    labels_rest="nearest centre of a leaf (which moves borders a little against the splits)",
    confidence="1 - distance to own centre / distance to second nearest",
)
