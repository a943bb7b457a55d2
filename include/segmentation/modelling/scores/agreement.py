"""Agreement of a partition with other partitions and with true labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    homogeneity_completeness_v_measure,
)

from segmentation.modelling.labellers import NOISE
from segmentation.modelling.representations.registry import REPRESENTATIONS
from segmentation.modelling.scores.labels import _one_hot


def _is_forecast(representation: str) -> bool:
    entry = REPRESENTATIONS.get(representation)  # the model in use has a preparation of its own
    return entry is not None and entry.learns


def consensus(partitions: Sequence[np.ndarray], algorithms: Sequence[str]) -> list[float]:
    """Agreement with the other candidates: mean over algorithms of the mean ARI with their candidates.

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


def external(labels: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Agreement of `labels` with true ones, of those whose true label is known (not NaN, not -1).

    Returns
    -------
    dict
        The scores called external_...; all NaN where no true label is known. Noise is a segment here.
    """
    names = ("ari", "ami", "nmi", "homogeneity", "completeness")
    true_labels, own = _where_known(truth, labels)
    values = [float("nan")] * len(names)
    if len(true_labels):
        # the V-measure is the mutual information over the mean of the two entropies
        homogeneity, completeness, mutual = homogeneity_completeness_v_measure(true_labels, own)
        adjusted = adjusted_rand_score(true_labels, own), adjusted_mutual_info_score(true_labels, own)
        values = [*adjusted, mutual, homogeneity, completeness]
    return {f"external_{name}": float(value) for name, value in zip(names, values, strict=True)}


def _agreement(labels: np.ndarray, others: np.ndarray) -> float:
    """Adjusted Rand index with others, of those who are no noise there."""
    others, own = _where_known(others, labels)
    return float(adjusted_rand_score(others, own)) if len(others) else float("nan")


def _where_known(others: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both, of those whose other label is neither NaN nor -1, the other ones as numbers."""
    column = pd.Series(others)
    is_known = (column.notna() & (column != NOISE)).to_numpy()
    return pd.factorize(column[is_known])[0], labels[is_known]
