"""Common part of the agglomerative entries: a tree of all merges, cut for every k."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import fcluster

from segmentation.modelling.labellers import NOISE

MOST_CUTS = 20  # clusters, per cluster wanted, down to which the tree is cut in search of large ones


def cut(tree: np.ndarray, k: int) -> np.ndarray:
    """Labels of shape (n,) where the tree has k clusters."""
    return fcluster(tree, k, criterion="maxclust").astype(np.int64) - 1


def cut_into_large(tree: np.ndarray, k: int, smallest: int) -> np.ndarray:
    """Labels where the tree first has k clusters of `smallest` customers or more; the others are noise.

    Average linkage and its kin part with a few odd customers first; where those are set aside, the
    same tree shows the groups.

    Raises
    ------
    ValueError
        It has not so many large clusters at one time.
    """
    n = len(tree) + 1
    for clusters in range(k, min(MOST_CUTS * k, n) + 1):
        labels = cut(tree, clusters)
        sizes = np.bincount(labels)
        if (sizes >= smallest).sum() >= k:
            return np.where(sizes[labels] >= smallest, labels, NOISE)
    raise ValueError(f"the tree has nowhere {k} clusters of {smallest} customers")
