"""Predictive validity of a partition for the next period, and how well a shallow tree recovers it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from sklearn.metrics import recall_score
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeClassifier

from segmentation.modelling.labellers import NOISE, Neighbours, label_with, label_without_oneself
from segmentation.modelling.search import Candidate

TREE_DEPTH = 4
TREE_ROWS = 2_000
FOLDS = 5


@dataclass(frozen=True)
class Snapshot:
    """Customers as they were a horizon ago, and what they then spent.

    Attributes
    ----------
    X : ndarray of shape (n_then, n_columns)
        Features of then, as the representation of the candidates shows them.
    spend : ndarray of shape (n_then,)
        Currency units spent within the horizon; 0 for who bought nothing.
    today : ndarray of shape (n_then, n_columns), optional
        The same customers as they are today, of whom a labeller may remember each one.
    """

    X: np.ndarray
    spend: np.ndarray
    today: np.ndarray | None = None

    def neighbours(self) -> Then:
        """The customers then and today, to look up whom they are near to, once for candidates of the same points."""
        return Then(Neighbours(self.X), None if self.today is None else Neighbours(self.today))


@dataclass(frozen=True)
class Then:
    """Customers of a snapshot, whose neighbours are looked up once."""

    near: Neighbours
    today: Neighbours | None

    def labels(self, candidate: Candidate) -> np.ndarray:
        """The cluster of each customer then; of each the own later self has no say in it.

        Raises
        ------
        ValueError
            The candidate has other columns.
        """
        if self.today is None:
            return label_with(candidate.fitted, self.near)[0]
        return label_without_oneself(candidate.fitted, self.near, self.today)


def explainability(X: np.ndarray, labels: np.ndarray, seed: int) -> float:
    """Balanced accuracy of a tree of depth 4 on the half of (at most 2,000) customers not shown to it."""
    rows = np.flatnonzero(labels != NOISE)
    rows = rows[np.random.default_rng(seed).permutation(len(rows))[:TREE_ROWS]]
    half = len(rows) // 2
    learned, held = rows[:half], rows[half:]
    is_known = np.isin(labels[held], labels[learned])
    if len(np.unique(labels[learned])) < 2 or not is_known.any():
        return float("nan")
    tree = DecisionTreeClassifier(max_depth=TREE_DEPTH, class_weight="balanced", random_state=seed)
    tree.fit(X[learned], labels[learned])
    truth, predicted = labels[held][is_known], tree.predict(X[held][is_known])
    return float(recall_score(truth, predicted, labels=np.unique(truth), average="macro"))


@dataclass(frozen=True)
class Losses:
    """The part that candidates leave unexplained of the spend of the same customers, customer by customer.

    Attributes
    ----------
    squared : dict of ndarray of shape (n_then,), by candidate
        Squared errors of log(1 + spend), out of sample.
    spread : ndarray of shape (n_then,)
        Squared distances of log(1 + spend) from its mean.
    buyers : int
        Customers who spent anything.
    """

    squared: dict[str, np.ndarray]
    spread: np.ndarray
    buyers: int

    def explained(self, name: str) -> tuple[float, float]:
        """Share of the variance that a candidate explains, and its standard error over customers."""
        return _share(self.spread - self.squared[name], self.spread)

    def gain(self, name: str, other: str) -> tuple[float, float]:
        """The part of it that `name` explains more than `other`, and the paired standard error over customers."""
        return _share(self.squared[other] - self.squared[name], self.spread)

    def has(self, *names: str) -> bool:
        """All of these were scored."""
        return all(name in self.squared for name in names)


def _share(part: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    """The ratio of two means over the same customers, and its standard error (of the linearised ratio)."""
    if not whole.sum() > 0:
        return float("nan"), float("nan")
    share = float(part.mean() / whole.mean())
    deviations = (part - share * whole) / whole.mean()
    return share, float(deviations.std(ddof=1) / np.sqrt(len(part))) if len(part) > 1 else float("nan")


def predictive(
    candidate: Candidate,
    snapshot: Snapshot,
    seed: int,
    then: Then | None = None,
    losses: Losses | None = None,
) -> dict[str, float]:
    """Predictive validity of membership then for the spend that followed, out of sample in 5 folds.

    `predictive` is 1 - squared error / variance of log(1 + spend) where the forecast is the mean
    of the segment in the other folds, `predictive_error` its standard error over customers; `predictive_auc`
    is the AUC of the segment's share of buyers, `predictive_auc_error` its standard error (Hanley, McNeil
    1982). Noise counts as a segment of its own here. All are NaN where the snapshot does not fit the
    candidate (another preparation's columns), or has too few customers for the folds. `then` is of
    the snapshot, so that candidates with the same points look for neighbours once; the squared errors are
    added to `losses`.
    """
    absent = dict.fromkeys(PREDICTIVE, float("nan"))
    try:
        labels = (then or snapshot.neighbours()).labels(candidate) + 1
    except ValueError:  # numbers of columns that differ
        return absent
    if len(labels) < FOLDS:
        return absent
    outcomes = np.column_stack([np.log1p(snapshot.spend), snapshot.spend > 0]).astype(float)
    forecast = out_of_sample(labels, outcomes, seed)
    squared = np.square(outcomes[:, 0] - forecast[:, 0])
    explained, error = _share(_spread(snapshot.spend) - squared, _spread(snapshot.spend))
    if losses is not None:
        losses.squared[candidate.name] = squared.astype(np.float32)
    buyers = int(outcomes[:, 1].sum())
    area = _auc(outcomes[:, 1], forecast[:, 1]) if 0 < buyers < len(outcomes) else float("nan")
    return dict(
        zip(PREDICTIVE, (explained, error, area, _auc_error(area, buyers, len(outcomes))), strict=True)
    )


PREDICTIVE = ("predictive", "predictive_error", "predictive_auc", "predictive_auc_error")


def no_losses(snapshot: Snapshot) -> Losses:
    """Losses of nobody yet, for `predictive` to add to."""
    return Losses({}, _spread(snapshot.spend), int((snapshot.spend > 0).sum()))


def _spread(spend: np.ndarray) -> np.ndarray:
    outcome = np.log1p(spend)
    return np.square(outcome - outcome.mean())


def out_of_sample(labels: np.ndarray, outcomes: np.ndarray, seed: int) -> np.ndarray:
    """Mean outcomes of the segment in the other folds, for each customer; both of shape (n, n_outcomes)."""
    forecast = np.empty_like(outcomes)
    for learned, held in _folds(len(labels), seed):
        forecast[held] = _segment_means(labels[learned], outcomes[learned], int(labels.max()) + 1)[
            labels[held]
        ]
    return forecast


@lru_cache(maxsize=8)
def _folds(n: int, seed: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Rows learned from and held out, the same for all candidates."""
    return tuple(KFold(FOLDS, shuffle=True, random_state=seed).split(np.empty(n)))


def _auc(bought: np.ndarray, forecast: np.ndarray) -> float:
    """Probability that who bought was forecast more than who did not, ties a half; forecasts have few values."""
    _, which = np.unique(forecast, return_inverse=True)
    positive = np.bincount(which, weights=bought)
    negative = np.bincount(which) - positive
    beneath = np.cumsum(negative) - negative / 2
    return float(positive @ beneath / (positive.sum() * negative.sum()))


def _auc_error(area: float, positives: int, n: int) -> float:
    """Standard error of an AUC of so many positives among n."""
    negatives = n - positives
    if not np.isfinite(area) or not positives or not negatives:
        return float("nan")
    both_positive, both_negative = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area)
    variance += (positives - 1) * (both_positive - area**2) + (negatives - 1) * (both_negative - area**2)
    return float(np.sqrt(max(variance, 0.0) / (positives * negatives)))


def _segment_means(labels: np.ndarray, outcomes: np.ndarray, size: int) -> np.ndarray:
    """Mean outcome by label, everybody's mean for a label that does not occur."""
    counts = np.bincount(labels, minlength=size)
    sums = np.column_stack([np.bincount(labels, weights=column, minlength=size) for column in outcomes.T])
    return np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], outcomes.mean(axis=0))
