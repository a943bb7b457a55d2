"""OPTICS: one ordering by reachability; clusters are its dents of steepness xi."""

import numpy as np
from sklearn.cluster import cluster_optics_xi

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, require_clusters
from segmentation.modelling.density import reachability_ordering
from segmentation.modelling.labellers import NeighbourLabeller
from segmentation.modelling.settings import ModelSettings

TITLES = {"en": "OPTICS", "zh": "OPTICS"}
MIN_SAMPLES = (10,)
STEEPNESS = (0.02, 0.05, 0.1, 0.2)
SHARES = (0.01, 0.03)


def _trials(X: np.ndarray, _settings: ModelSettings) -> list[Params]:
    return [
        {"min_samples": min_samples, "xi": xi, "min_cluster_share": share}
        for min_samples in MIN_SAMPLES
        if min_samples < len(X)
        for share in SHARES
        for xi in STEEPNESS
    ]


def _orderings(X: np.ndarray, _settings: ModelSettings) -> dict[int, tuple[np.ndarray, ...]]:
    """Ordering, core distances, reachability and predecessors for each min_samples."""
    return {m: reachability_ordering(X, m) for m in MIN_SAMPLES if m < len(X)}


def _fit(X: np.ndarray, orderings: dict[int, tuple[np.ndarray, ...]], params: Params, _seed: int) -> Fitted:
    ordering, _, reachability, predecessor = orderings[params["min_samples"]]
    labels, _ = cluster_optics_xi(
        reachability=reachability,
        predecessor=predecessor,
        ordering=ordering,
        min_samples=params["min_samples"],
        min_cluster_size=max(2, round(params["min_cluster_share"] * len(X))),
        xi=params["xi"],
    )
    return Fitted(NeighbourLabeller(X, require_clusters(labels.astype(np.int64))))


ALGORITHM = Algorithm(
    name="optics",
    trials=_trials,
    shared=_orderings,
    fit=_fit,
    max_rows=1_500,  # xi takes a Python step a customer, for every trial
    labels_rest="nearest fitted customer",
    noise="what lies in no dent, and whoever is nearest to that",
    confidence="share of the 15 nearest fitted customers that agree; 0 for noise",
)
