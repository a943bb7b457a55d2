"""Rules that a person can read: a shallow tree from features in natural units to segments.

The tree is grown on two thirds of a sample until every segment has a rule that holds, where it can have one;
its thresholds are rounded to what a person would say, and leaves of one segment that lie side by side become
one. How far the rules can be relied on (fidelity) is measured on the customers who were not shown to it; what
is stated of a single rule (customers, precision, recall) is counted among all of them, by the same rounded
conditions that the warehouse evaluates (`segments.assign_by_rule`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from segmentation.features.dictionary import Feature
from segmentation.modelling.threads import one_thread
from segmentation.segments.bounds import Range

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

DEPTH = 6
RULES = 3  # a segment
ROWS = 10_000  # customers of the sample, two thirds of whom the tree is shown
HELD_OUT = 1 / 3
FEWEST_HELD_OUT = 100  # customers; of fewer, all are shown to the tree and measured
HOLDS = 0.6  # least precision, and least recall, of rules that a segment can be told by
ROUNDS = 8  # trees at most, each with more weight for the segments that the one before could not tell
MISPLACED = 0.005  # share of customers that a rounder threshold may put on the other side
MISPLACED_BY_STEP = 0.05  # and so many, where it is a whole number only then
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

    Attributes
    ----------
    rules : tuple of Rule
    fidelity : float
        The share of the customers not shown to the tree whom the rules give their own cluster.
    untold : tuple of int
        The clusters without rules that hold: all their rules together describe less than 60 % of the
        cluster, or less than 60 % of those they describe are in it.
    """

    rules: tuple[Rule, ...]
    fidelity: float
    untold: tuple[int, ...] = ()

    def of(self, cluster: int) -> tuple[Rule, ...]:
        """The rules of a cluster, the one that describes most of it first."""
        return tuple(rule for rule in self.rules if rule.cluster == cluster)


@dataclass(frozen=True)
class _Leaf:
    path: tuple[Bound, ...]
    cluster: int


def explain(
    frame: pd.DataFrame, clusters: pd.Series, features: Sequence[Feature], seed: int, rows: int = ROWS
) -> Explanation:
    """Rules for each cluster, one to three where such a tree can be grown.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features), in natural units; NaN where unknown
    clusters : Series of int, same index
    rows : int
        Customers of the sample that is taken, of whom two thirds are shown to the tree.

    Returns
    -------
    The rules of the tree of depth 6 by which most clusters can be told, of those the most faithful one; a
    cluster that no tree has a leaf for has no rule.
    """
    frame = frame.sort_index()
    clusters = clusters.loc[frame.index]
    steps = {one.name: one.step for one in features if one.step is not None}
    numeric = [name for name in numbers(frame, features) if name in steps]
    positions = sample(clusters, rows, seed)
    shown, held = _shown_and_held(clusters.to_numpy(), positions, seed)
    leaves = _best_leaves(frame[numeric].iloc[shown], clusters.iloc[shown], steps, seed)
    values = {name: frame[name].to_numpy() for name in numeric}
    gaps = {name for name in numeric if np.isnan(values[name]).any()}
    own = clusters.to_numpy()
    rules = []
    predicted = np.full(len(frame), -1)
    for leaf in leaves:
        there = _holds(leaf.path, values, len(frame))
        predicted[there] = leaf.cluster
        customers, hits = int(there.sum()), int((own[there] == leaf.cluster).sum())
        bounds = ranges(leaf.path, gaps)
        if not customers and any(one.is_empty for one in bounds):
            continue  # two thresholds that are said alike
        rules.append(
            Rule(
                leaf.cluster,
                words(leaf.path, gaps),
                condition(leaf.path),
                customers,
                round(hits / customers, 6) if customers else 0.0,
                round(hits / int((own == leaf.cluster).sum()), 6),
                bounds,
            )
        )
    ordered = sorted(rules, key=lambda rule: (rule.cluster, -rule.recall, rule.text))
    fidelity = round(float((predicted[held] == own[held]).mean()), 6)
    return Explanation(tuple(ordered), fidelity, tuple(_untold(predicted, own)))


def _shown_and_held(own: np.ndarray, positions: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the sample that the tree is shown, and of the customers whom its fidelity is measured on.

    A third of each cluster in the sample is held out, and so is everybody who is not in the sample.
    """
    if len(own) * HELD_OUT < FEWEST_HELD_OUT:
        return positions, np.arange(len(own))
    generator = np.random.default_rng(seed)
    is_held = np.ones(len(own), dtype=bool)
    for cluster in np.unique(own):
        members = generator.permutation(positions[own[positions] == cluster])
        is_held[members[int(len(members) * HELD_OUT) :]] = False
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def _precision_and_recall(predicted: np.ndarray, own: np.ndarray) -> dict[int, tuple[float, float]]:
    """Precision and recall of each cluster: shares of those given to it that are in it, and of its own so given."""
    hits = predicted == own
    return {
        int(cluster): (
            float(hits[predicted == cluster].mean()) if (predicted == cluster).any() else 0.0,
            float(hits[own == cluster].mean()),
        )
        for cluster in np.unique(own)
    }


def _untold(predicted: np.ndarray, own: np.ndarray) -> list[int]:
    """The clusters whose rules do not hold."""
    return [cluster for cluster, both in _precision_and_recall(predicted, own).items() if min(both) < HOLDS]


def numbers(frame: pd.DataFrame, features: Sequence[Feature]) -> list[str]:
    """The features that are numbers, and known of somebody."""
    return [f.name for f in features if f.transform != "category" and frame[f.name].notna().any()]


def sample(clusters: pd.Series, rows: int, seed: int) -> np.ndarray:
    """Positions of a sample in which each cluster has its share, and small ones at least 200 customers."""
    generator = np.random.default_rng(seed)
    labels = clusters.to_numpy()
    positions = []
    for cluster in np.unique(labels):
        members = np.flatnonzero(labels == cluster)
        size = max(FEWEST, round(rows * len(members) / len(labels)))
        positions.append(members if size >= len(members) else generator.choice(members, size, replace=False))
    return np.sort(np.concatenate(positions))


# --- the tree ----------------------------------------------------------------------------------------------


class _Column(NamedTuple):
    """The known values of a feature, sorted, and how finely its bounds are said."""

    values: np.ndarray
    step: float


def _best_leaves(
    frame: pd.DataFrame, clusters: pd.Series, steps: Mapping[str, float], seed: int
) -> list[_Leaf]:
    """The leaves by which most clusters can be told, and of those the most faithful, three a cluster at most.

    A cluster that a tree cannot tell weighs half as much again in the next one.
    """
    own = clusters.to_numpy()
    values = {str(name): frame[name].to_numpy() for name in frame}
    shown_by_name = {
        name: _Column(np.sort(column[~np.isnan(column)]), steps[name]) for name, column in values.items()
    }
    shown = frame.to_numpy(dtype=np.float32)
    weights = dict.fromkeys(map(int, np.unique(own)), 1.0)
    best: tuple[tuple[int, int, float], list[_Leaf]] = (0, 0, 0.0), []
    for _ in range(ROUNDS):
        leaves = _few_leaves(shown, own, shown_by_name, weights, seed)
        predicted = _predict(leaves, values, len(own))
        missed = _untold(predicted, own)
        quality = len({leaf.cluster for leaf in leaves}), -len(missed), float((predicted == own).mean())
        if quality > best[0]:
            best = quality, leaves
        if not missed:
            break
        both = _precision_and_recall(predicted, own)
        for cluster in missed:
            _, recall = both[cluster]
            weights[cluster] *= 1.5 if recall < HOLDS else 1 / 1.25
    return best[1]


def _predict(leaves: Sequence[_Leaf], values: dict[str, np.ndarray], n: int) -> np.ndarray:
    """The cluster that the leaves give each customer."""
    predicted = np.full(n, -1)
    for leaf in leaves:
        predicted[_holds(leaf.path, values, n)] = leaf.cluster
    return predicted


def _few_leaves(
    values: np.ndarray,
    own: np.ndarray,
    columns: dict[str, _Column],
    weights: dict[int, float],
    seed: int,
) -> list[_Leaf]:
    """The leaves of the largest tree in which no cluster has more than a person wants to read."""
    n_clusters = len(weights)
    tree = _grown(values, own, RULES * n_clusters, weights, seed)
    # leaves are parted best first, so that a smaller tree is the beginning of a larger one
    inner = np.flatnonzero(tree.tree_.children_left != -1)
    parted = inner[np.argsort(tree.tree_.children_left[inner])]
    leaves: list[_Leaf] = []
    for splits in range(len(parted), max(n_clusters, 2) - 2, -1):
        leaves = _leaves(tree, columns, frozenset(parted[:splits]), 0, ())
        if max(Counter(leaf.cluster for leaf in leaves).values()) <= RULES:
            break
    return leaves or _leaves(tree, columns, frozenset(parted), 0, ())


def _grown(
    values: np.ndarray, own: np.ndarray, size: int, weights: dict[int, float], seed: int
) -> DecisionTreeClassifier:
    """A tree of so many leaves at most."""
    from sklearn.tree import DecisionTreeClassifier  # a second and a half, which readers of rules do without

    tree = DecisionTreeClassifier(
        max_depth=DEPTH,
        max_leaf_nodes=max(2, size),
        min_samples_leaf=max(1, len(values) // 200),
        class_weight=weights,
        random_state=seed,
    )
    with one_thread():
        return tree.fit(values, own)


def _leaves(
    tree: DecisionTreeClassifier,
    columns: dict[str, _Column],
    parted: frozenset[int],
    node: int,
    path: tuple[Bound, ...],
) -> list[_Leaf]:
    """The leaves below a node where only the nodes `parted` are; side by side and of one cluster, they are one."""
    inner = tree.tree_
    left, right = inner.children_left[node], inner.children_right[node]
    if node not in parted:
        return [_Leaf(path, int(tree.classes_[inner.value[node][0].argmax()]))]
    name = list(columns)[inner.feature[node]]
    threshold = short_threshold(float(inner.threshold[node]), *columns[name])
    unknown_left = bool(inner.missing_go_to_left[node])
    below = _leaves(tree, columns, parted, left, (*path, (name, True, threshold, unknown_left)))
    above = _leaves(tree, columns, parted, right, (*path, (name, False, threshold, not unknown_left)))
    if len(below) == len(above) == 1 and below[0].cluster == above[0].cluster:
        return [_Leaf(path, below[0].cluster)]
    return below + above


def short_threshold(threshold: float, values: np.ndarray, step: float = 0.0) -> float:
    """A threshold as a person would say it: in whole steps, and in as few digits as do no harm.

    Parameters
    ----------
    values : ndarray, sorted
        The known values of the feature. Of numbers with one to four digits, the shortest is taken that puts no
        more than 0.5 % of them on the other side.
    step : float
        What the threshold is a multiple of, where that puts no more than 5 % on the other side; 0: of nothing.
    """
    if not np.isfinite(threshold) or not len(values):
        return threshold
    if (values == np.round(values)).all():
        threshold = float(np.floor(threshold))
    beneath = np.searchsorted(values, threshold, side="right")

    def misplaced(rounded: float) -> float:
        return abs(int(np.searchsorted(values, rounded, side="right") - beneath)) / len(values)

    for digits in range(1, 4):
        rounded = _in_steps(float(f"{threshold:.{digits}g}"), step)
        if misplaced(rounded) <= MISPLACED:
            return rounded
    rounded = _in_steps(readable(threshold), step)
    if not step or misplaced(rounded) <= MISPLACED_BY_STEP:
        return rounded
    return short_threshold(threshold, values)


def _in_steps(value: float, step: float) -> float:
    return round(round(value / step) * step, 6) if step else value


def readable(threshold: float) -> float:
    """A threshold in 4 digits, and with none after the point from 10,000 on."""
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
    tightest = []
    for name in dict.fromkeys(bound[0] for bound in path):
        own = [bound for bound in path if bound[0] == name]
        lower = [threshold for _, is_upper, threshold, _ in own if not is_upper]
        upper = [threshold for _, is_upper, threshold, _ in own if is_upper]
        tightest.append(
            Range(
                name,
                above=max((t for t in lower if np.isfinite(t)), default=None),
                up_to=min((t for t in upper if np.isfinite(t)), default=None),
                known=np.inf not in lower,  # above infinity there is the unknown only
                unknown=all(with_unknown for *_, with_unknown in own),
                is_ever_unknown=name in gaps,
            )
        )
    return tuple(tightest)


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
    import pandas as pd
    from sklearn.ensemble import RandomForestClassifier

    frame = frame.sort_index()
    clusters = clusters.loc[frame.index]

    numeric = numbers(frame, features)
    labels = sorted(clusters.unique())
    nothing = pd.DataFrame(0.0, index=pd.Index(labels, name="cluster"), columns=numeric)
    rows = sample(clusters, FOREST_ROWS, seed)
    values, own = frame[numeric].iloc[rows].to_numpy(dtype=np.float32), clusters.iloc[rows].to_numpy()
    is_training = np.random.default_rng(seed).permutation(len(rows)) % 2 == 0
    if len(labels) < 2 or len(rows) < 2 * len(labels) or not set(labels) <= set(own[is_training]):
        return nothing
    forest = RandomForestClassifier(
        TREES, max_depth=FOREST_DEPTH, class_weight="balanced", random_state=seed, n_jobs=1
    )

    with one_thread():
        forest.fit(values[is_training], own[is_training])
        losses = _losses(forest, values[~is_training], np.searchsorted(labels, own[~is_training]), seed)
    nothing.loc[labels] = np.maximum(losses, 0.0)
    return nothing


def _losses(forest: RandomForestClassifier, X: np.ndarray, own: np.ndarray, seed: int) -> np.ndarray:
    """Mean loss of the F1 score of each cluster (rows) when a feature (columns) is shuffled.

    As `sklearn.inspection.permutation_importance` has it, with the same shuffles: all of a feature in one
    prediction, and none of a feature that no tree asks for.
    """
    n, clusters = len(X), len(forest.classes_)
    splitting = np.unique(np.concatenate([tree.tree_.feature for tree in forest.estimators_]))
    generator = np.random.RandomState(np.random.RandomState(seed).randint(np.iinfo(np.int32).max + 1))
    orders, order = [np.arange(n)], np.arange(n)
    for _ in range(SHUFFLES):
        generator.shuffle(order)
        orders.append(orders[-1][order])
    shuffled = np.concatenate(orders[1:])
    usual = _f1_of_each(own, np.searchsorted(forest.classes_, forest.predict(X)), clusters)
    losses = np.zeros((clusters, X.shape[1]))
    copies = np.tile(X, (SHUFFLES, 1))
    for column in splitting[splitting >= 0]:
        copies[:, column] = X[shuffled, column]
        predicted = np.searchsorted(forest.classes_, forest.predict(copies)).reshape(SHUFFLES, n)
        copies[:, column] = np.tile(X[:, column], SHUFFLES)
        losses[:, column] = np.mean([usual - _f1_of_each(own, one, clusters) for one in predicted], axis=0)
    return losses


def _f1_of_each(own: np.ndarray, predicted: np.ndarray, clusters: int) -> np.ndarray:
    """The F1 score of each cluster, 0 where it is in neither."""
    hits = np.bincount(own[own == predicted], minlength=clusters)
    both = np.bincount(own, minlength=clusters) + np.bincount(predicted, minlength=clusters)
    return np.divide(2.0 * hits, both, out=np.zeros(clusters), where=both > 0)
