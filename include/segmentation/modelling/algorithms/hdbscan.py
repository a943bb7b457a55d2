"""HDBSCAN: clusters of any density; the smallest cluster is a share of the customers.

`sklearn.cluster.HDBSCAN` builds its tree anew for every trial, and the tree is nearly all of its
time (16 trials on 4,722 customers: 15.6 s, with one tree for each min_samples 1.0 s). The steps after
the tree are scikit-learn's own; a test compares the labels with those of the estimator (equal
but for ties).
"""

import numpy as np
from sklearn.cluster._hdbscan._linkage import MST_edge_dtype, make_single_linkage
from sklearn.cluster._hdbscan._tree import tree_to_labels

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, require_clusters
from segmentation.modelling.density import Tree, density_validity, reachability_trees
from segmentation.modelling.labellers import NOISE, NeighbourLabeller
from segmentation.modelling.settings import ModelSettings
from segmentation.modelling.trials import Range

TITLES = {"en": "HDBSCAN", "zh": "HDBSCAN"}
SHARES = (0.01, 0.02, 0.05, 0.1)
MIN_SAMPLES = (5, 15)


def _trials(_X: np.ndarray, _settings: ModelSettings) -> list[Params]:
    return [
        {"min_cluster_share": share, "min_samples": min_samples, "selection": selection}
        for selection in ("eom", "leaf")
        for min_samples in MIN_SAMPLES
        for share in SHARES
    ]


def _hierarchies(X: np.ndarray, _settings: ModelSettings) -> dict[int, tuple[Tree, np.ndarray]]:
    """Tree and single-linkage hierarchy of mutual reachability by min_samples, which counts oneself."""
    if len(X) < 2:
        raise ValueError("one customer is no cluster")
    trees = reachability_trees(X, [m - 1 for m in MIN_SAMPLES])
    return {others + 1: (tree, _hierarchy(tree)) for others, (tree, _) in trees.items()}


def _hierarchy(tree: Tree) -> np.ndarray:
    ends, others, lengths = tree
    edges = np.empty(len(ends), dtype=MST_edge_dtype)
    order = np.argsort(lengths, kind="stable")
    edges["current_node"], edges["next_node"] = others[order], ends[order]
    edges["distance"] = lengths[order]
    return make_single_linkage(edges)


def _fit(X: np.ndarray, hierarchies: dict, params: Params, _seed: int) -> Fitted:
    tree, hierarchy = hierarchies[params["min_samples"]]
    labels, strength = tree_to_labels(
        hierarchy,
        min_cluster_size=max(2, round(params["min_cluster_share"] * len(X))),
        cluster_selection_method=params["selection"],
    )
    labels = require_clusters(np.where(labels < 0, NOISE, labels).astype(np.int64))
    return Fitted(NeighbourLabeller(X, labels, strength), criterion=density_validity(tree, labels))


ALGORITHM = Algorithm(
    name="hdbscan",
    trials=_trials,
    shared=_hierarchies,
    fit=_fit,
    ranges={"min_cluster_share": Range(0.005, 0.15, is_log=True)},
    has_criterion=True,  # density validity
    max_rows=8_000,  # the distances of the trees take 4 n^2 bytes: 256 MB
    labels_rest="nearest fitted customer",
    noise="what HDBSCAN calls noise, and whoever is nearest to that",
    confidence="membership strength times the share of the 15 nearest customers that agree; 0 for noise",
)
