"""Rules that a person can read: a shallow tree from features in natural units to segments.

The tree is grown on a sample, its thresholds are rounded to what a person would say, and leaves of one
segment that lie side by side become one. What is stated of it (fidelity, precision, recall) is measured
afterwards on every customer, by the same rounded conditions that the warehouse evaluates
(`segments.assign_by_rule`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import f1_score
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from segmentation.features.dictionary import Feature
from segmentation.segments.bounds import Range

DEPTH = 4
RULES = 2  # a segment
ROWS = 10_000  # customers that the tree is grown on
FEWEST = 200  # of each segment, or all it has
FOREST_ROWS, TREES, FOREST_DEPTH = 4_000, 20, 8
SHUFFLES = 5  # of each feature, whose mean loss varies less than that of one
Bound = tuple[str, bool, float, bool]  # feature, is an upper bound, threshold, holds for unknown values


@dataclass(frozen=True)
class Rule:
    """A leaf of the tree, or several side by side.

    `text` is for people, `condition` for the warehouse, `bounds` are both as data; `customers` are those it
    describes, `precision` the share of them who are in the cluster, `recall` the share of the cluster.
    """

    cluster: int
    text: str
    condition: str
    customers: int
    precision: float
    recall: float
    bounds: tuple[Range, ...] | None = None


@dataclass(frozen=True)
class Explanation:
    """The rules of a partition; none overlap, and together they describe everybody.

    `fidelity` is the share of all customers whom the rules give their own cluster.
    """

    rules: tuple[Rule, ...]
    fidelity: float

    def of(self, cluster: int) -> tuple[Rule, ...]:
        """The rules of a cluster, the one that describes most of it first."""
        return tuple(rule for rule in self.rules if rule.cluster == cluster)


@dataclass(frozen=True)
class _Leaf:
    path: tuple[Bound, ...]
    cluster: int


def explain(frame: pd.DataFrame, clusters: pd.Series, features: Sequence[Feature], seed: int) -> Explanation:
    """Rules for each cluster, at most two where such a tree can be grown.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features), in natural units; NaN where unknown
    clusters : Series of int, same index

    Returns
    -------
    The rules of the most faithful tree of depth 4 that has one or two for every cluster; of those that leave
    a cluster out where there is none: such a cluster has no rule.
    """
    frame = frame.sort_index()
    clusters = clusters.loc[frame.index]
    numeric = numbers(frame, features)
    rows = sample(clusters, ROWS, seed)
    leaves = _best_leaves(frame[numeric].iloc[rows], clusters.iloc[rows], seed)
    values = {name: frame[name].to_numpy() for name in numeric}
    gaps = {name for name in numeric if np.isnan(values[name]).any()}
    own = clusters.to_numpy()
    rules, right = [], 0
    for leaf in leaves:
        there = _holds(leaf.path, values, len(frame))
        customers, hits = int(there.sum()), int((own[there] == leaf.cluster).sum())
        right += hits
        rules.append(
            Rule(
                leaf.cluster,
                words(leaf.path, gaps),
                condition(leaf.path),
                customers,
                round(hits / customers, 6) if customers else 0.0,
                round(hits / int((own == leaf.cluster).sum()), 6),
                ranges(leaf.path, gaps),
            )
        )
    ordered = sorted(rules, key=lambda rule: (rule.cluster, -rule.recall, rule.text))
    return Explanation(tuple(ordered), round(right / len(frame), 6))


def numbers(frame: pd.DataFrame, features: Sequence[Feature]) -> list[str]:
    """The features that are numbers, and known of somebody."""
    return [f.name for f in features if f.transform != "category" and frame[f.name].notna().any()]


def sample(clusters: pd.Series, rows: int, seed: int) -> np.ndarray:
    """Positions of a sample in which each cluster has its share, and small ones at least 200 customers."""
    generator = np.random.default_rng(seed)
    labels = clusters.to_numpy()
    kept = []
    for cluster in np.unique(labels):
        members = np.flatnonzero(labels == cluster)
        wanted = max(FEWEST, round(rows * len(members) / len(labels)))
        kept.append(members if wanted >= len(members) else generator.choice(members, wanted, replace=False))
    return np.sort(np.concatenate(kept))


# --- the tree ----------------------------------------------------------------------------------------------


def _best_leaves(frame: pd.DataFrame, clusters: pd.Series, seed: int) -> list[_Leaf]:
    """The leaves of the most faithful tree in which every cluster has one or two."""
    wanted = clusters.nunique()
    trees: list[tuple[tuple[int, float], list[_Leaf]]] = []
    for weight in (None, "balanced"):
        # from the largest tree down, until no cluster has more leaves than a person wants to read
        for size in range(RULES * wanted, max(wanted, 2) - 1, -1):
            leaves, right = _grown(frame, clusters, size, weight, seed)
            per_cluster = pd.Series([leaf.cluster for leaf in leaves]).value_counts()
            if per_cluster.max() <= RULES:
                trees.append(((len(per_cluster), right), leaves))
                break
    return max(trees, key=lambda one: one[0])[1]


def _grown(
    frame: pd.DataFrame, clusters: pd.Series, size: int, weight: str | None, seed: int
) -> tuple[list[_Leaf], float]:
    """A tree with so many leaves, and the share of customers it puts where they belong."""
    values = frame.to_numpy(dtype=np.float32)
    tree = DecisionTreeClassifier(
        max_depth=DEPTH,
        max_leaf_nodes=max(2, size),
        min_samples_leaf=max(1, len(frame) // 200),
        class_weight=weight,
        random_state=seed,
    )
    with threadpool_limits(1):
        tree.fit(values, clusters)
        right = float((tree.predict(values) == clusters.to_numpy()).mean())
    return _leaves(tree, list(frame.columns), 0, ()), right


def _leaves(
    tree: DecisionTreeClassifier, names: list[str], node: int, path: tuple[Bound, ...]
) -> list[_Leaf]:
    """The leaves below a node; side by side and of one cluster, they are one."""
    inner = tree.tree_
    left, right = inner.children_left[node], inner.children_right[node]
    if left == -1:
        return [_Leaf(path, int(tree.classes_[inner.value[node][0].argmax()]))]
    name, threshold = names[inner.feature[node]], readable(float(inner.threshold[node]))
    unknown_left = bool(inner.missing_go_to_left[node])
    below = _leaves(tree, names, left, (*path, (name, True, threshold, unknown_left)))
    above = _leaves(tree, names, right, (*path, (name, False, threshold, not unknown_left)))
    if len(below) == len(above) == 1 and below[0].cluster == above[0].cluster:
        return [_Leaf(path, below[0].cluster)]
    return below + above


def readable(threshold: float) -> float:
    """A threshold with as many digits as a person would say: 4, and none after the point from 10,000 on."""
    if not np.isfinite(threshold):
        return threshold
    return float(f"{threshold:.0f}" if abs(threshold) >= 10_000 else f"{threshold:.4g}")


def _holds(path: Sequence[Bound], values: dict[str, np.ndarray], n: int) -> np.ndarray:
    """Mask of the customers for whom all bounds of a path hold."""
    there = np.ones(n, dtype=bool)
    for name, is_upper, threshold, with_unknown in path:
        column = values[name]
        with np.errstate(invalid="ignore"):
            within = column <= threshold if is_upper else column > threshold
        there &= np.where(np.isnan(column), with_unknown, within)
    return there


# --- in words and in SQL -----------------------------------------------------------------------------------


def ranges(path: Sequence[Bound], gaps: set[str] | frozenset[str] = frozenset()) -> tuple[Range, ...]:
    """The tightest bounds on each feature, in the order of the tree.

    `gaps` are the features that are unknown of somebody.
    """
    asked = []
    for name in dict.fromkeys(bound[0] for bound in path):
        own = [bound for bound in path if bound[0] == name]
        lower = [threshold for _, is_upper, threshold, _ in own if not is_upper]
        upper = [threshold for _, is_upper, threshold, _ in own if is_upper]
        asked.append(
            Range(
                name,
                above=max((t for t in lower if np.isfinite(t)), default=None),
                up_to=min((t for t in upper if np.isfinite(t)), default=None),
                known=np.inf not in lower,  # above infinity there is the unknown only
                unknown=all(with_unknown for *_, with_unknown in own),
                is_ever_unknown=name in gaps,
            )
        )
    return tuple(asked)


def words(path: Sequence[Bound], gaps: set[str] | frozenset[str] = frozenset()) -> str:
    """A path for people: "recency_days <= 35 and spend_365d > 410".

    `gaps` are the features that are unknown of somebody; only these get the words "(or unknown)".
    """
    parts = []
    for one in ranges(path, gaps):
        bounds = _bounds(one, "{name} {sign} {value}", one.feature)
        if not one.known:
            parts.append(f"{one.feature} is unknown")
        elif not bounds:
            parts += [] if one.unknown else [f"{one.feature} is known"]
        else:
            parts += bounds
            parts[-1] += " (or unknown)" if one.says_unknown else ""
    return " and ".join(parts) or "everybody"


def condition(path: Sequence[Bound]) -> str:
    """A path as an SQL condition on the columns of features.customer_features, never null."""
    parts = []
    for one in ranges(path):
        column = '"' + one.feature.replace('"', '""') + '"'
        within = " and ".join(_bounds(one, "{name} {sign} {value}", column))
        if not one.known:
            parts.append(f"{column} is null")
        elif not within:
            parts += [] if one.unknown else [f"{column} is not null"]
        elif one.unknown:
            parts.append(f"({within} or {column} is null)")
        else:
            parts.append(f"coalesce({within}, false)")
    return " and ".join(parts) or "true"


def _bounds(one: Range, pattern: str, name: str) -> list[str]:
    bounds = []
    if one.up_to is not None:
        bounds.append(pattern.format(name=name, sign="<=", value=_number(one.up_to)))
    if one.above is not None:
        bounds.append(pattern.format(name=name, sign=">", value=_number(one.above)))
    return bounds


def _number(value: float) -> str:
    """12346 and not 1.235e+04; what `readable` has rounded is the same number again."""
    return f"{value:.0f}" if abs(value) >= 10_000 else np.format_float_positional(value, trim="-")


# --- importance --------------------------------------------------------------------------------------------


def importance(
    frame: pd.DataFrame, clusters: pd.Series, features: Sequence[Feature], seed: int
) -> pd.DataFrame:
    """Importance of a feature: how much less well each cluster is recognised when it is shuffled.

    Permutation importance (Breiman 2001) for each cluster: the mean loss of its F1 score over 5 shuffles, as
    a small forest that has learnt the clusters from the features recognises it, 0 where shuffling does no
    harm. Measured on customers that the forest has not seen. One row a cluster, one column a numeric feature.
    """
    frame = frame.sort_index()
    clusters = clusters.loc[frame.index]
    numeric = numbers(frame, features)
    labels = sorted(clusters.unique())
    nothing = pd.DataFrame(0.0, index=pd.Index(labels, name="cluster"), columns=numeric)
    rows = sample(clusters, FOREST_ROWS, seed)
    values, own = frame[numeric].iloc[rows].to_numpy(dtype=np.float32), clusters.iloc[rows].to_numpy()
    seen = np.random.default_rng(seed).permutation(len(rows)) % 2 == 0
    if len(labels) < 2 or len(rows) < 2 * len(labels) or not set(labels) <= set(own[seen]):
        return nothing
    forest = RandomForestClassifier(
        TREES, max_depth=FOREST_DEPTH, class_weight="balanced", random_state=seed, n_jobs=1
    )

    def f1_of_each(fitted: RandomForestClassifier, X: np.ndarray, y: np.ndarray) -> dict[int, float]:
        found = f1_score(y, fitted.predict(X), labels=labels, average=None, zero_division=0.0)
        return dict(zip(labels, found, strict=True))

    with threadpool_limits(1):
        forest.fit(values[seen], own[seen])
        losses = permutation_importance(
            forest,
            values[~seen],
            own[~seen],
            scoring=f1_of_each,
            n_repeats=SHUFFLES,
            random_state=seed,
            n_jobs=1,
        )
    for label in labels:
        nothing.loc[label] = np.maximum(losses[label]["importances_mean"], 0.0)
    return nothing
