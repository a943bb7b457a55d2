"""Predictive validity of a partition for the next period, and how well a shallow tree recovers it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import recall_score, roc_auc_score
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeClassifier

from segmentation.modelling.labellers import NOISE, Neighbours, label_with
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
    """

    X: np.ndarray
    spend: np.ndarray


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


def predictive(
    candidate: Candidate, snapshot: Snapshot, seed: int, near: Neighbours | None = None
) -> dict[str, float]:
    """Predictive validity of membership then for the spend that followed, out of sample in 5 folds.

    `predictive` is 1 - squared error / variance of log(1 + spend) where the forecast is the mean
    of the segment in the other folds; `predictive_auc` is the AUC of the segment's share of
    buyers. Noise counts as a segment of its own here. Both are NaN where the snapshot does not fit the
    candidate (another preparation's columns), or has too few customers for the folds. `near` is of
    `snapshot.X`, so that candidates with the same points look for neighbours once.
    """
    absent = {"predictive": float("nan"), "predictive_auc": float("nan")}
    try:
        labels = label_with(candidate.fitted, near or Neighbours(snapshot.X))[0] + 1
    except ValueError:  # numbers of columns that differ
        return absent
    if len(labels) < FOLDS:
        return absent
    outcomes = np.column_stack([np.log1p(snapshot.spend), snapshot.spend > 0]).astype(float)
    forecast = np.empty_like(outcomes)
    for learned, held in KFold(FOLDS, shuffle=True, random_state=seed).split(labels):
        forecast[held] = _segment_means(labels[learned], outcomes[learned], int(labels.max()) + 1)[
            labels[held]
        ]
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
