"""Affinity propagation: customers elect exemplars; how many depends on the preference."""

import numpy as np
from sklearn.cluster import AffinityPropagation
from sklearn.metrics import pairwise_distances

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params
from segmentation.modelling.labellers import CentreLabeller
from segmentation.modelling.settings import ModelSettings

TITLES = {"en": "affinity propagation", "zh": "近邻传播"}
PREFERENCES = (0.02, 0.05, 0.1, 0.2, 0.4)
MAX_ITER = 300


def _trials(_X: np.ndarray, _settings: ModelSettings) -> list[Params]:
    return [{"preference_share": share} for share in PREFERENCES]


def _similarities(X: np.ndarray, _settings: ModelSettings) -> tuple[np.ndarray, float]:
    """Minus squared distances, of shape (n, n), and the preference at which one exemplar is left.

    That is the gain of the best two exemplars over the best one (Bodenhofer, Kothmeier, Hochreiter
    2011, `preferenceRange` in their package); shares of it give few exemplars, on any scale.
    """
    similarity = -pairwise_distances(X, metric="sqeuclidean")
    one = similarity.sum(axis=0).max()
    two = max(np.maximum(similarity, column[:, None]).sum(axis=0).max() for column in similarity.T)
    return similarity, float(one - two)


def _fit(X: np.ndarray, shared: tuple[np.ndarray, float], params: Params, seed: int) -> Fitted:
    similarity, lowest = shared
    if lowest >= 0:
        raise ValueError("all customers are the same")
    model = AffinityPropagation(
        affinity="precomputed",
        preference=params["preference_share"] * lowest,
        damping=0.8,
        max_iter=MAX_ITER,
        random_state=seed,
    ).fit(similarity)
    if not len(model.cluster_centers_indices_):
        raise ValueError(f"no exemplars were agreed on in {MAX_ITER} rounds")
    return Fitted(CentreLabeller(X[model.cluster_centers_indices_]), bool(model.n_iter_ < MAX_ITER))


ALGORITHM = Algorithm(
    name="affinity_propagation",
    trials=_trials,
    shared=_similarities,
    fit=_fit,
    max_rows=500,  # a round takes n^2, and so does the memory
    labels_rest="nearest exemplar",
    confidence="1 - distance to own exemplar / distance to second nearest",
)
