"""Stability: a candidate's labels beside those of its refits on other customers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

from segmentation.modelling.settings import ModelSettings

NOISE = -1
FIELDS = ("stability", "stability_error", "prediction_strength", "segment_jaccard")  # of a candidate


def subsamples(
    n: int, settings: ModelSettings, most_rows: int | None = None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Rows that labels are compared on, and of each refit the rows that it is shown.

    A subsample is half of the `n` customers, at most `settings.stability_rows` and `most_rows`; there are none where
    that is fewer than `settings.k_max`.
    """
    size = min(n // 2, settings.stability_rows, n if most_rows is None else most_rows)
    rng = np.random.default_rng(settings.seed)
    compared = np.sort(rng.permutation(n)[: 2 * settings.stability_rows])
    draws = settings.stability_draws if size >= settings.k_max else 0
    return compared, [np.sort(rng.permutation(n)[:size]) for _ in range(draws)]


def against_refits(
    labels: np.ndarray,
    k: int,
    refit: Callable[[np.ndarray, np.ndarray], np.ndarray],
    settings: ModelSettings,
) -> dict[str, Any]:
    """The fields of a candidate; none where there are no subsamples.

    Parameters
    ----------
    refit : callable
        The labels of some rows by a refit on others: of the first argument, fitted on the second.
    """
    compared, shown = subsamples(len(labels), settings)
    draws = [compare(labels[compared], refit(compared, rows), k) for rows in shown]
    return summary(draws) if draws else {}


def compare(labels: np.ndarray, refitted: np.ndarray | None, k: int) -> np.ndarray:
    """One refit beside the candidate, on the same customers; -1 is noise.

    Returns
    -------
    ndarray of shape (1 + 2 k,)
        The adjusted Rand index; then of each of the k segments the share of its pairs of customers
        that the refit keeps together, and its Jaccard index with the likest segment of the refit.
        All 0 for a refit that failed (None); NaN for a segment without a pair here.
    """
    if refitted is None:
        return np.zeros(1 + 2 * k)
    table = np.zeros((k, int(refitted.max()) + 1))
    both = (labels != NOISE) & (refitted != NOISE)
    np.add.at(table, (labels[both], refitted[both]), 1)
    sizes = np.bincount(labels[labels != NOISE], minlength=k)
    others = np.bincount(refitted[refitted != NOISE], minlength=table.shape[1])
    pairs = sizes * (sizes - 1.0)
    pairs_kept = np.divide((table * (table - 1)).sum(axis=1), pairs, out=np.full(k, np.nan), where=pairs > 0)
    union = sizes[:, None] + others - table
    likeness = np.divide(table, union, out=np.zeros_like(table), where=union > 0).max(axis=1, initial=0.0)
    likeness = np.where(sizes > 0, likeness, np.nan)
    return np.concatenate([[adjusted_rand_score(labels, refitted)], pairs_kept, likeness])


def summary(draws: Sequence[np.ndarray]) -> dict[str, float]:
    """The fields of a candidate, from the result of `compare` for each refit.

    `stability` is the mean adjusted Rand index (Ben-Hur, Elisseeff, Guyon 2002), `stability_error` its
    standard error over the refits (NaN of one). The other two are of
    the segment that fares worst: `prediction_strength`, the mean over refits of the worst segment's
    share of pairs kept together (Tibshirani, Walther 2005, against the full fit), and
    `segment_jaccard`, the worst of the segments' mean Jaccard indices (Hennig 2007; above .75 is a
    segment that stands, below .5 one that dissolves).
    """
    stacked = np.array(draws)
    k = (stacked.shape[1] - 1) // 2
    pairs_kept, likeness = stacked[:, 1 : 1 + k], stacked[:, 1 + k :]
    is_drawn = ~np.isnan(likeness).all(axis=0)
    return {
        "stability": float(stacked[:, 0].mean()),
        "stability_error": float(stacked[:, 0].std(ddof=1) / np.sqrt(len(draws)))
        if len(draws) > 1
        else float("nan"),
        "prediction_strength": float(np.nan_to_num(pairs_kept, nan=1.0).min(axis=1, initial=1.0).mean()),
        "segment_jaccard": float(np.nanmean(likeness[:, is_drawn], axis=0).min(initial=1.0)),
    }
