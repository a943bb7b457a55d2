"""Labels as shares and one-hot matrices; noise settled by the nearest cluster."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors

from segmentation.modelling.labellers import NOISE


def _shares(labels: np.ndarray) -> dict[str, float]:
    sizes = np.bincount(labels[labels != NOISE])
    shares = sizes[sizes > 0] / len(labels)
    if not len(shares):
        return {"coverage": 0.0, "smallest_share": 0.0, "largest_share": 0.0}
    return {"coverage": shares.sum(), "smallest_share": shares.min(), "largest_share": shares.max()}


def _one_hot(labels: np.ndarray) -> np.ndarray:
    """Columns of 0 and 1, one a cluster present, float32; rows of noise are all 0."""
    return (labels[:, None] == np.unique(labels[labels != NOISE])).astype(np.float32)


def _with_noise_settled(X: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Labels nearly as published: noise gets the cluster of the nearest in X that has one."""
    mask = labels != NOISE
    if mask.all() or not mask.any():
        return labels
    nearest = NearestNeighbors(n_neighbors=1).fit(X[mask]).kneighbors(X[~mask], return_distance=False)[:, 0]
    published = labels.copy()
    published[~mask] = labels[mask][nearest]
    return published
