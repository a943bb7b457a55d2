"""HDBSCAN: clusters of any density; the smallest cluster is a share of the customers."""

import numpy as np
from sklearn.cluster import HDBSCAN

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, require_clusters
from segmentation.modelling.labellers import NeighbourLabeller
from segmentation.modelling.settings import ModelSettings

SHARES = (0.01, 0.02, 0.05, 0.1)
MIN_SAMPLES = (5, 15)


def _trials(_X: np.ndarray, _settings: ModelSettings) -> list[Params]:
    return [
        {"min_cluster_share": share, "min_samples": min_samples, "selection": selection}
        for selection in ("eom", "leaf")
        for min_samples in MIN_SAMPLES
        for share in SHARES
    ]


def _fit(X: np.ndarray, _shared: None, params: Params, _seed: int) -> Fitted:
    model = HDBSCAN(
        min_cluster_size=max(2, round(params["min_cluster_share"] * len(X))),
        min_samples=min(params["min_samples"], len(X)),
        cluster_selection_method=params["selection"],
        copy=True,
    ).fit(X)
    labels = require_clusters(np.where(model.labels_ < 0, -1, model.labels_).astype(np.int64))
    return Fitted(NeighbourLabeller(X, labels, strength=model.probabilities_))


ALGORITHM = Algorithm(
    name="hdbscan",
    title="HDBSCAN",
    trials=_trials,
    fit=_fit,
    max_rows=5_000,
    labels_rest="nearest fitted customer",
    noise="what HDBSCAN calls noise, and whoever is nearest to that",
    confidence="membership strength times the share of the 15 nearest customers that agree; 0 for noise",
)
