"""Scores of all candidates at once, on the same customers.

Every score is a column; its definition is the docstring of the function that makes it, and
`DEFINITIONS` says it in a line. Noise is never scored as a cluster: it is left out, and
`coverage` stands beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.metrics import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    homogeneity_completeness_v_measure,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import KFold
from sklearn.neighbors import NearestNeighbors
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from segmentation.modelling.density import density_validity, reachability_tree
from segmentation.modelling.labellers import NOISE, Neighbours, label_with
from segmentation.modelling.representations import REPRESENTATIONS
from segmentation.modelling.sampling import ordered
from segmentation.modelling.search import Candidate, Progress, silent
from segmentation.modelling.settings import ModelSettings

BLOCK_BYTES = 8 * 2**20  # of one block of distances
DUNN_NEIGHBOURS = 25
DUNN_SOFTNESS = 5
CUT_NEIGHBOURS = 10
CORE_NEIGHBOURS = 5
RIDGE = 1e-4
TREE_DEPTH = 4
TREE_ROWS = 2_000
FOLDS = 5

DEFINITIONS = {
    "coverage": "share of customers that are not noise",
    "smallest_share": "share of customers in the smallest segment",
    "largest_share": "share of customers in the largest segment",
    "silhouette": "mean silhouette width, -1..1; noise left out",
    "silhouette_error": "standard error of the silhouette where it is of a sample; 0: of everybody",
    "calinski_harabasz": "variance between segments over variance within, per degree of freedom",
    "davies_bouldin": "mean likeness of each segment to its most alike, 0 is best; noise left out",
    "near_neighbour_dunn": "near neighbours: soft minimum distance between segments over mean within",
    "density_validity": "how much sparser it is between segments than within, -1..1 (DBCV)",
    "neighbours_together": "0..1: how far near neighbours share a segment, against chance of its size",
    "consensus": "mean adjusted Rand index with the candidates of each algorithm",
    "mixture_gain": "nats a customer that a Gaussian a segment gains over one for all, after BIC",
    "stability": "mean adjusted Rand index with refits on subsamples",
    "prediction_strength": "of the segment that keeps together worst in refits, its share of pairs kept",
    "segment_jaccard": "of the segment found again worst in refits, its mean Jaccard index",
    "explainability": "balanced accuracy of a depth-4 decision tree, on held-out customers",
    "predictive": "out-of-sample share of the next period's log spend that membership explains",
    "predictive_auc": "out-of-sample AUC of membership for buying at all in the next period",
    "agreement_incumbent": "adjusted Rand index with the segments in use",
    "external_ari": "adjusted Rand index with true labels; shown, never used",
    "external_ami": "adjusted mutual information with true labels; shown, never used",
    "external_nmi": "normalised mutual information with true labels; shown, never used",
    "external_homogeneity": "each segment has one true label only, 0..1; shown, never used",
    "external_completeness": "each true label is in one segment only, 0..1; shown, never used",
}


@dataclass(frozen=True)
class Snapshot:
    """What customers looked like a horizon ago, and what they then spent.

    Attributes
    ----------
    X : ndarray of shape (n_then, n_columns)
        Features of then, as the representation of the candidates shows them.
    spend : ndarray of shape (n_then,)
        Currency units spent within the horizon; 0 for who bought nothing.
    """

    X: np.ndarray
    spend: np.ndarray


def score(
    candidates: Sequence[Candidate],
    X: pd.DataFrame | np.ndarray,
    settings: ModelSettings,
    *,
    incumbent: np.ndarray | None = None,
    truth: np.ndarray | None = None,
    snapshots: Mapping[str, Snapshot] | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """All scores of all candidates that have labels.

    Parameters
    ----------
    X : DataFrame (index = customer_id) or ndarray, of shape (n_customers, n_columns)
        The matrix that candidates of every representation are compared in, its rows in the order of
        the candidates' labels.
    incumbent, truth : array of shape (n_customers,), optional
        Labels of the model in use, and true labels (-1 or NaN where unknown).
    snapshots : dict of Snapshot, optional
        By representation; without them there are no predictive scores.

    Returns
    -------
    DataFrame
        Index: candidate names; columns: the keys of `DEFINITIONS` that apply, float64, NaN where a
        score is undefined (fewer than two clusters, say).
    """
    fitted = [c for c in candidates if not c.error]
    values, back = ordered(X)
    order = np.argsort(back)
    labels = [c.labels[order] for c in fitted]
    columns = [_shares(lab) for lab in labels]
    with threadpool_limits(1):
        rows = _paired_rows(len(values), settings)
        sample, on_sample = values[rows], [lab[rows] for lab in labels]
        progress(f"scoring {len(fitted)} candidates on {len(rows)} customers")
        neighbours, tree = _near_neighbours(sample), reachability_tree(sample, CORE_NEIGHBOURS)[0]
        published = [_with_noise_settled(sample, lab) for lab in on_sample]
        voices = ["" if _is_forecast(c.representation) else c.algorithm for c in fitted]
        for row, agreed in zip(columns, consensus(published, voices), strict=True):
            row["consensus"] = agreed
        for row, (width, error) in zip(columns, silhouettes_told(sample, on_sample), strict=True):
            row["silhouette"] = width
            row["silhouette_error"] = error if len(rows) < len(values) else error * 0.0
        for row, candidate, lab, told in zip(columns, fitted, on_sample, published, strict=True):
            row["calinski_harabasz"], row["davies_bouldin"] = variance_scores(sample, lab)
            row["near_neighbour_dunn"] = near_neighbour_dunn(*neighbours, lab)
            row["density_validity"] = density_validity(tree, lab)
            row["neighbours_together"] = neighbours_together(neighbours[1], told)
            row["mixture_gain"] = mixture_gain(sample, told)
            for name in ("stability", "prediction_strength", "segment_jaccard"):
                row[name] = getattr(candidate, name)
            row["explainability"] = explainability(sample, lab, settings.seed)
        progress("comparing with the incumbent, the true labels and the next period, where known")
        shown: dict[str, Neighbours] = {}
        for row, candidate, lab in zip(columns, fitted, labels, strict=True):
            if incumbent is not None:
                row["agreement_incumbent"] = _agreement(lab, np.asarray(incumbent)[order])
            row |= {} if truth is None else external(lab, np.asarray(truth)[order])
            past = (snapshots or {}).get(candidate.representation)
            if past is not None:
                near = shown.setdefault(candidate.representation, Neighbours(past.X))
                row |= predictive(candidate, past, settings.seed, near)
    table = pd.DataFrame(columns, index=pd.Index([c.name for c in fitted], name="candidate"))
    return table.reindex(columns=[name for name in DEFINITIONS if name in table]).astype(float)


def _paired_rows(n: int, settings: ModelSettings) -> np.ndarray:
    """One uniform sample for all candidates, so that they differ by themselves and not by luck."""
    if n <= settings.score_rows:
        return np.arange(n)
    return np.sort(np.random.default_rng(settings.seed).permutation(n)[: settings.score_rows])


def _shares(labels: np.ndarray) -> dict[str, float]:
    sizes = np.bincount(labels[labels != NOISE])
    sizes = sizes[sizes > 0] / len(labels)
    if not len(sizes):
        return {"coverage": 0.0, "smallest_share": 0.0, "largest_share": 0.0}
    return {"coverage": sizes.sum(), "smallest_share": sizes.min(), "largest_share": sizes.max()}


def _one_hot(labels: np.ndarray) -> np.ndarray:
    """Columns of 0 and 1, one a cluster present, float32; rows of noise are all 0."""
    return (labels[:, None] == np.unique(labels[labels != NOISE])).astype(np.float32)


def silhouettes(X: np.ndarray, partitions: Sequence[np.ndarray]) -> list[float]:
    """The first of what `silhouettes_told` tells."""
    return [width for width, _ in silhouettes_told(X, partitions)]


def silhouettes_told(X: np.ndarray, partitions: Sequence[np.ndarray]) -> list[tuple[float, float]]:
    """Mean silhouette width of every partition, in one pass over the distances, and its standard error.

    Parameters
    ----------
    X : ndarray of shape (n, n_columns)
    partitions : labels of shape (n,), -1 for noise

    Returns
    -------
    list of (float, float)
        NaN where fewer than two clusters, or no pair within one, are left. The error is that of a mean
        of n widths, as if X were drawn at random from many customers.

    Notes
    -----
    Blocks of distances (float32) times one-hot labels give every customer's sum of distances to
    every cluster of every partition. As in scikit-learn, the width is 0 in a cluster of one. A
    partition's value equals `sklearn.metrics.silhouette_score` without its noise to 1e-5.
    """
    if not partitions:
        return []
    hot = [_one_hot(labels) for labels in partitions]
    counts = np.array([h.shape[1] for h in hot])
    clustered = np.array([h.sum() for h in hot])
    defined = np.flatnonzero((counts >= 2) & (counts < len(X)) & (counts < clustered))
    means, errors = np.full(len(partitions), np.nan), np.full(len(partitions), np.nan)
    if len(defined):
        totals, squares = _sums_of_widths(X, [hot[i] for i in defined])
        members = clustered[defined]
        means[defined] = totals / members
        errors[defined] = np.sqrt(np.maximum(squares / members - np.square(totals / members), 0) / members)
    return list(zip(means.tolist(), errors.tolist(), strict=True))


def _sums_of_widths(X: np.ndarray, hot: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Of each partition the sum over customers of the silhouette width, and of its square.

    A cluster that several partitions have (a tree cut at k and at k + 1) is summed once.
    """
    starts = np.cumsum([0, *(h.shape[1] for h in hot)])[:-1]
    stacked = np.concatenate(hot, axis=1)
    sizes = stacked.sum(axis=0, dtype=np.float64)
    own = np.column_stack([start + h.argmax(axis=1) for start, h in zip(starts, hot, strict=True)])
    # noise, and whoever is alone in a cluster, has no width
    counts = np.column_stack([h.any(axis=1) for h in hot]) & (sizes[own] > 1)
    distinct, place = _distinct_columns(stacked)
    totals, squares = np.zeros(len(hot)), np.zeros(len(hot))
    for block, distances in _blocks_of_distances(X):
        away = (distances @ distinct)[:, place]
        mine = own[block]
        within = np.take_along_axis(away, mine, 1) / np.maximum(sizes[mine] - 1, 1)
        away /= sizes.astype(np.float32)
        np.put_along_axis(away, mine, np.inf, 1)
        between = np.minimum.reduceat(away, starts, axis=1).astype(np.float64)
        largest = np.maximum(within, between)
        width = np.divide(between - within, largest, out=np.zeros_like(largest), where=largest > 0)
        width[~counts[block]] = 0.0
        totals += width.sum(axis=0)
        squares += np.square(width).sum(axis=0)
    return totals, squares


def _blocks_of_distances(X: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Some rows, and their distances to all rows of X in float32; valid until the next are asked for.

    Squared in float64, |x|^2 - 2 x y + |y|^2 as one product of matrices, in memory that is used again: to be
    given new pages for every block took longer than the products.
    """
    centred = X - X.mean(axis=0)
    norms, ones = np.square(centred).sum(axis=1), np.ones(len(X))
    left = np.column_stack([-2.0 * centred, norms, ones])
    right = np.ascontiguousarray(np.column_stack([centred, ones, norms]).T)
    step = min(len(X), max(1, BLOCK_BYTES // (8 * len(X))))
    squared = np.empty((step, len(X)))
    distances = np.empty((step, len(X)), dtype=np.float32)
    for start in range(0, len(X), step):
        block = slice(start, min(start + step, len(X)))
        rows = block.stop - start
        np.matmul(left[block], right, out=squared[:rows])
        np.maximum(squared[:rows], 0.0, out=squared[:rows])
        squared[np.arange(rows), np.arange(start, block.stop)] = 0.0
        np.sqrt(squared[:rows], out=distances[:rows], casting="same_kind")
        yield block, distances[:rows]


def _distinct_columns(stacked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The columns of 0 and 1 that differ, in the order they come, and which of them each column is."""
    number: dict[bytes, int] = {}
    packed = np.packbits(stacked.astype(bool), axis=0).T
    place = np.array([number.setdefault(column.tobytes(), len(number)) for column in packed])
    _, first = np.unique(place, return_index=True)
    return np.ascontiguousarray(stacked[:, first]), place


def variance_scores(X: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Calinski-Harabasz (the more, the better) and Davies-Bouldin (the less), noise left out.

    Both equal scikit-learn's; NaN where there are fewer than two clusters, or as many as customers.
    """
    X, hot = X[labels != NOISE], _one_hot(labels[labels != NOISE])
    n, k = hot.shape
    if not 2 <= k < n:
        return float("nan"), float("nan")
    sizes = hot.sum(axis=0, dtype=np.float64)
    centres = (hot.T @ X) / sizes[:, None]
    distance = np.linalg.norm(X - centres[hot.argmax(axis=1)], axis=1)
    within = np.square(distance).sum()
    between = (sizes[:, None] * np.square(centres - X.mean(axis=0))).sum()
    spread = (hot.T @ distance) / sizes
    apart = np.linalg.norm(centres[:, None] - centres, axis=2)
    likeness = np.divide(spread[:, None] + spread, apart, out=np.zeros_like(apart), where=apart > 0)
    return (
        float(between / within * (n - k) / (k - 1)) if within > 0 else 1.0,
        float(likeness.max(axis=1).mean()),
    )


def _near_neighbours(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances to, and row numbers of, each row's nearest 25 others."""
    wanted = min(DUNN_NEIGHBOURS + 1, len(X))
    distances, neighbours = NearestNeighbors(n_neighbors=wanted).fit(X).kneighbors(X)
    return distances[:, 1:], neighbours[:, 1:]


def near_neighbour_dunn(distances: np.ndarray, neighbours: np.ndarray, labels: np.ndarray) -> float:
    """Near-neighbour generalised Dunn index: soft minimum between clusters over mean within.

    Parameters
    ----------
    distances, neighbours : ndarray of shape (n, M)
        To and of each row's M nearest others.

    Returns
    -------
    float
        The more, the better; NaN below two clusters.

    Notes
    -----
    Over all pairs (i, one of i's M = 25 nearest): the smallest distances between clusters, averaged
    with the weights of a half normal curve (standard deviation 5, 15 terms), by the mean distance
    within clusters; "SMin:5" over "Mean" in the family of Gagolewski, Bartoszuk, Cena, "Are cluster
    validity measures (in)valid?", 2021. Where no near pair is in different clusters, the clusters
    are further apart than any neighbours: the largest distance stands in.
    """
    labels_of = labels[neighbours]
    known = (labels[:, None] != NOISE) & (labels_of != NOISE)
    if len(np.unique(labels[labels != NOISE])) < 2 or not known.any():
        return float("nan")
    differ = known & (labels_of != labels[:, None])
    within = distances[known & ~differ]
    if not len(within) or within.mean() <= 0:
        return float("nan")
    between = distances[differ] if differ.any() else distances[known].max(keepdims=True)
    terms = min(3 * DUNN_SOFTNESS, len(between))
    smallest = np.sort(np.partition(between, terms - 1)[:terms])
    weights = norm.pdf(np.arange(terms), scale=DUNN_SOFTNESS)
    return float(smallest @ weights / weights.sum() / within.mean())


def neighbours_together(neighbours: np.ndarray, labels: np.ndarray) -> float:
    """How far near neighbours share a segment, against chance: 1 - sqrt(cut / expected), at least 0.

    Parameters
    ----------
    neighbours : ndarray of shape (n, M)
        Row numbers of each row's nearest others; the first 10 count.
    labels : ndarray of shape (n,)
        As published: without noise.

    Notes
    -----
    cut is the share of pairs (i, one of i's 10 nearest) in different segments, expected what it would
    be at random, 1 - sum of squared shares. A border that runs through a crowd costs, whatever its
    shape; the root makes the first few neighbours that are parted count most. (The normalised cut of
    Shi, Malik 2000 on the graph of nearest neighbours, over all segments at once.)
    """
    shares = np.bincount(labels) / len(labels)
    expected = 1 - np.square(shares).sum()
    if expected <= 0:
        return float("nan")
    cut = (labels[neighbours[:, :CUT_NEIGHBOURS]] != labels[:, None]).mean()
    return float(max(0.0, 1 - np.sqrt(cut / expected)))


def _is_forecast(representation: str) -> bool:
    entry = REPRESENTATIONS.get(representation)  # the model in use has a preparation of its own
    return entry is not None and entry.learns


def consensus(partitions: Sequence[np.ndarray], algorithms: Sequence[str]) -> list[float]:
    """How far other candidates found the same: mean over algorithms of the mean ARI with their candidates.

    Each algorithm counts once, however many candidates it has, the own one included (without the
    candidate itself); the model in use has no say, nor has one in a space made of a forecast: such
    candidates agree with each other about the forecast, not about the customers. All pairs at once:
    one-hot labels times one-hot labels are the contingency tables of all of them.

    Parameters
    ----------
    partitions : labels of shape (n,), without noise
    algorithms : of each; "" for one that has no say

    Returns
    -------
    list of float
        NaN where there is no other candidate.
    """
    if not partitions:
        return []
    hot = [_one_hot(labels) for labels in partitions]
    starts = np.cumsum([0, *(h.shape[1] for h in hot)])[:-1]
    stacked = np.concatenate(hot, axis=1)
    counts = (stacked.T @ stacked).astype(np.float64)
    pairs = np.add.reduceat(np.add.reduceat(counts * (counts - 1) / 2, starts, 0), starts, 1)
    own = np.diag(pairs)
    expected = np.outer(own, own) / max(len(partitions[0]) * (len(partitions[0]) - 1) / 2, 1)
    most = (own[:, None] + own) / 2
    rand = np.divide(pairs - expected, most - expected, out=np.ones_like(pairs), where=most - expected > 1e-9)
    np.fill_diagonal(rand, np.nan)
    names = pd.Series(algorithms)
    by_algorithm = pd.DataFrame(rand.T).groupby(names).mean().drop(["incumbent", ""], errors="ignore")
    return by_algorithm.mean().tolist()


def _with_noise_settled(X: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Labels nearly as published: noise gets the cluster of the nearest in X that has one."""
    kept = labels != NOISE
    if kept.all() or not kept.any():
        return labels
    nearest = NearestNeighbors(n_neighbors=1).fit(X[kept]).kneighbors(X[~kept], return_distance=False)[:, 0]
    published = labels.copy()
    published[~kept] = labels[kept][nearest]
    return published


def mixture_gain(X: np.ndarray, labels: np.ndarray) -> float:
    """Nats a customer that one Gaussian a cluster describes X better than one for all, after BIC.

    The log-likelihood of the hard partition (shares, means, full covariances with 1e-4 of the mean
    variance added), less half a log n for each parameter (Schwarz 1978). Noise counts with its
    nearest segment, as it is published: leaving out what fits badly must not pay. Negative where
    clusters that touch are not worth their parameters; many columns saturate it.
    """
    n, d = X.shape
    if len(np.unique(labels[labels != NOISE])) < 2:
        return float("nan")
    ridge = RIDGE * X.var(axis=0).mean() * np.eye(d)

    def fit(rows: np.ndarray) -> float:
        covariance = np.cov(rows.T, bias=True).reshape(d, d) if len(rows) > 1 else 0.0
        return -0.5 * len(rows) * float(np.linalg.slogdet(covariance + ridge)[1])

    parts = [X[labels == cluster] for cluster in np.unique(labels)]
    gain = sum(fit(part) + len(part) * np.log(len(part) / n) for part in parts) - fit(X)
    parameters = (len(parts) - 1) * (d + d * (d + 1) / 2 + 1)
    return float((gain - 0.5 * parameters * np.log(n)) / n)


def explainability(X: np.ndarray, labels: np.ndarray, seed: int) -> float:
    """Balanced accuracy of a tree of depth 4 on the half of (at most 2,000) customers not shown to it."""
    rows = np.flatnonzero(labels != NOISE)
    rows = rows[np.random.default_rng(seed).permutation(len(rows))[:TREE_ROWS]]
    half = len(rows) // 2
    shown, held = rows[:half], rows[half:]
    known = np.isin(labels[held], labels[shown])
    if len(np.unique(labels[shown])) < 2 or not known.any():
        return float("nan")
    tree = DecisionTreeClassifier(max_depth=TREE_DEPTH, class_weight="balanced", random_state=seed)
    tree.fit(X[shown], labels[shown])
    truth, told = labels[held][known], tree.predict(X[held][known])
    return float(recall_score(truth, told, labels=np.unique(truth), average="macro"))


def predictive(
    candidate: Candidate, snapshot: Snapshot, seed: int, near: Neighbours | None = None
) -> dict[str, float]:
    """What membership then says of the spend that followed, out of sample in 5 folds.

    `predictive` is 1 - squared error / variance of log(1 + spend) where the forecast is the mean
    of the segment in the other folds; `predictive_auc` is the AUC of the segment's share of
    buyers. Noise counts as a segment of its own here. Both are NaN where the snapshot does not fit the
    candidate (another preparation's columns), or has too few customers for the folds. `near` is of
    `snapshot.X`, so that candidates with the same points look for neighbours once.
    """
    absent = {"predictive": float("nan"), "predictive_auc": float("nan")}
    try:
        labels = label_with(candidate.labeller, near or Neighbours(snapshot.X))[0] + 1
    except ValueError:  # numbers of columns that differ
        return absent
    if len(labels) < FOLDS:
        return absent
    outcomes = np.column_stack([np.log1p(snapshot.spend), snapshot.spend > 0]).astype(float)
    forecast = np.empty_like(outcomes)
    for shown, held in KFold(FOLDS, shuffle=True, random_state=seed).split(labels):
        forecast[held] = _segment_means(labels[shown], outcomes[shown], int(labels.max()) + 1)[labels[held]]
    variance = np.square(outcomes[:, 0] - outcomes[:, 0].mean()).sum()
    error = np.square(outcomes[:, 0] - forecast[:, 0]).sum()
    both = 0 < outcomes[:, 1].sum() < len(outcomes)
    return {
        "predictive": float(1 - error / variance) if variance > 0 else float("nan"),
        "predictive_auc": float(roc_auc_score(outcomes[:, 1], forecast[:, 1])) if both else float("nan"),
    }


def _segment_means(labels: np.ndarray, outcomes: np.ndarray, size: int) -> np.ndarray:
    """Mean outcome by label, everybody's mean for a label that does not occur."""
    counts = np.bincount(labels, minlength=size)
    sums = np.column_stack([np.bincount(labels, weights=column, minlength=size) for column in outcomes.T])
    return np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], outcomes.mean(axis=0))


def external(labels: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """How far `labels` agree with true ones, of those whose true label is known (not NaN, not -1).

    Returns
    -------
    dict
        The scores called external_...; all NaN where no true label is known. Noise is a segment here.
    """
    names = ("ari", "ami", "nmi", "homogeneity", "completeness")
    kinds, given = _known(truth, labels)
    values = [float("nan")] * len(names)
    if len(kinds):
        # the V-measure is the mutual information over the mean of the two entropies
        homogeneity, completeness, mutual = homogeneity_completeness_v_measure(kinds, given)
        adjusted = adjusted_rand_score(kinds, given), adjusted_mutual_info_score(kinds, given)
        values = [*adjusted, mutual, homogeneity, completeness]
    return {f"external_{name}": float(value) for name, value in zip(names, values, strict=True)}


def _agreement(labels: np.ndarray, others: np.ndarray) -> float:
    """Adjusted Rand index with others, of those who are no noise there."""
    others, given = _known(others, labels)
    return float(adjusted_rand_score(others, given)) if len(others) else float("nan")


def _known(others: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both, of those whose other label is neither NaN nor -1, the other ones as numbers."""
    others = pd.Series(others)
    known = (others.notna() & (others != NOISE)).to_numpy()
    return pd.factorize(others[known])[0], labels[known]
