"""Rules that a person can read: a shallow tree from features in natural units to segments."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from segmentation.features import Feature

DEPTH = 4
Bound = tuple[str, bool, float]  # feature, is an upper bound, threshold


def rules(frame: pd.DataFrame, clusters: pd.Series, features: Sequence[Feature], seed: int) -> dict[int, str]:
    """For each cluster the path to the leaf that holds most of its customers, as one line.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features), in natural units; NaN where unknown
    clusters : Series of int, same index

    Returns
    -------
    cluster -> "recency_days <= 35 and spend_365d > 410"; "everybody" where there is one cluster. A cluster
    without a leaf of its own says so by sharing its rule with another.
    """
    numeric = [f.name for f in features if f.transform != "category" and frame[f.name].notna().any()]
    values = frame[numeric].to_numpy(dtype=np.float32)
    tree = DecisionTreeClassifier(
        max_depth=DEPTH,
        min_samples_leaf=max(1, len(frame) // 200),
        class_weight="balanced",
        random_state=seed,
    ).fit(values, clusters)
    leaves = pd.Series(tree.apply(values), index=frame.index)
    paths = _paths(tree, numeric)
    return {
        int(cluster): _words(paths[int(rows.mode().iloc[0])]) for cluster, rows in leaves.groupby(clusters)
    }


def _paths(tree: DecisionTreeClassifier, names: list[str]) -> dict[int, list[Bound]]:
    """The bounds on the way to each leaf."""
    inner = tree.tree_
    paths: dict[int, list[Bound]] = {}
    todo: list[tuple[int, list[Bound]]] = [(0, [])]
    while todo:
        node, path = todo.pop()
        if inner.children_left[node] == -1:
            paths[node] = path
            continue
        name, threshold = names[inner.feature[node]], float(inner.threshold[node])
        todo.append((inner.children_left[node], [*path, (name, True, threshold)]))
        todo.append((inner.children_right[node], [*path, (name, False, threshold)]))
    return paths


def _words(path: list[Bound]) -> str:
    """The tightest bound on each side of each feature, in the order in which the tree asked."""
    tightest: dict[tuple[str, bool], float] = {}
    for name, is_upper, threshold in path:
        known = tightest.get((name, is_upper), threshold)
        tightest[name, is_upper] = min(known, threshold) if is_upper else max(known, threshold)
    bounds = (_bound(name, is_upper, value) for (name, is_upper), value in tightest.items())
    return " and ".join(bounds) or "everybody"


def _bound(name: str, is_upper: bool, value: float) -> str:
    """One comparison; a threshold at infinity parts the known from the unknown values."""
    if np.isinf(value):
        return f"{name} is {'known' if is_upper else 'unknown'}"
    number = f"{value:.0f}" if abs(value) >= 10_000 else f"{value:.4g}"  # 12346 and not 1.235e+04
    return f"{name} {'<=' if is_upper else '>'} {number}"
