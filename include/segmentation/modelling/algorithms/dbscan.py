"""DBSCAN: eps from the k-distance curve."""

import numpy as np
from sklearn.cluster import DBSCAN
from sklearn.neighbors import NearestNeighbors

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, require_clusters
from segmentation.modelling.labellers import NeighbourLabeller
from segmentation.modelling.settings import ModelSettings

MIN_SAMPLES = (5, 10, 20)
EPS_QUANTILES = (0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)


def _trials(X: np.ndarray, _settings: ModelSettings) -> list[Params]:
    return [
        {"min_samples": min_samples, "eps_quantile": quantile}
        for min_samples in MIN_SAMPLES
        if min_samples < len(X)
        for quantile in EPS_QUANTILES
    ]


def _k_distances(X: np.ndarray, _settings: ModelSettings) -> np.ndarray:
    """Distance of every row to its 1st, 2nd, ... neighbour, itself being the first."""
    distances, _ = NearestNeighbors(n_neighbors=min(max(MIN_SAMPLES), len(X))).fit(X).kneighbors(X)
    return distances


def _fit(X: np.ndarray, distances: np.ndarray, params: Params, _seed: int) -> Fitted:
    column = min(params["min_samples"], distances.shape[1]) - 1
    eps = float(np.quantile(distances[:, column], params["eps_quantile"]))
    if eps <= 0:
        raise ValueError("eps is 0: too many customers are the same")
    model = DBSCAN(eps=eps, min_samples=params["min_samples"]).fit(X)
    require_clusters(model.labels_)
    core = model.core_sample_indices_
    return Fitted(NeighbourLabeller(X[core], model.labels_[core].astype(np.int64), radius=eps))


ALGORITHM = Algorithm(
    name="dbscan",
    title="DBSCAN",
    trials=_trials,
    shared=_k_distances,
    fit=_fit,
    max_rows=10_000,
    labels_rest="nearest core customer within eps",
    noise="whoever has no core customer within eps",
    confidence="share of the 15 nearest core customers that agree; 0 for noise",
)
