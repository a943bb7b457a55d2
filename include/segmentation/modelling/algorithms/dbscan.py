"""DBSCAN: eps from the k-distance curve; one tree for each density, cut for every eps."""

import numpy as np

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, require_clusters
from segmentation.modelling.density import Tree, dense_groups, density_validity, reachability_trees
from segmentation.modelling.labellers import NOISE, NeighbourLabeller
from segmentation.modelling.settings import ModelSettings
from segmentation.modelling.trials import Range

TITLES = {"en": "DBSCAN", "zh": "DBSCAN"}
MIN_SAMPLES = (5, 10, 20)
EPS_QUANTILES = (0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)


def _trials(X: np.ndarray, _settings: ModelSettings) -> list[Params]:
    return [
        {"min_samples": min_samples, "eps_quantile": quantile}
        for min_samples in MIN_SAMPLES
        if min_samples < len(X)
        for quantile in EPS_QUANTILES
    ]


def _trees(X: np.ndarray, _settings: ModelSettings) -> dict[int, tuple[Tree, np.ndarray]]:
    """A tree and core distances for each min_samples, which counts the customer as well."""
    trees = reachability_trees(X, [m - 1 for m in MIN_SAMPLES if m <= len(X)])
    return {others + 1: tree for others, tree in trees.items()}


def _fit(X: np.ndarray, trees: dict[int, tuple[Tree, np.ndarray]], params: Params, _seed: int) -> Fitted:
    tree, core_distances = trees[params["min_samples"]]
    eps = float(np.quantile(core_distances, params["eps_quantile"]))
    if eps <= 0:
        raise ValueError("eps is 0: too many customers are the same")
    groups = require_clusters(dense_groups(tree, core_distances, eps))
    core = groups != NOISE
    labeller = NeighbourLabeller(X[core], groups[core], radius=eps)
    return Fitted(labeller, criterion=density_validity(tree, groups))


ALGORITHM = Algorithm(
    name="dbscan",
    trials=_trials,
    shared=_trees,
    fit=_fit,
    ranges={"eps_quantile": Range(0.5, 1.0)},
    has_criterion=True,  # density validity
    max_rows=8_000,  # the trees' distances take 4 n^2 bytes: 256 MB
    labels_rest="nearest core customer within eps",
    noise="whoever has no core customer within eps",
    confidence="share of the 15 nearest core customers that agree; 0 for noise",
)
