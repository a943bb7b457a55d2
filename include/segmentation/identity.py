"""Permanent segment ids: tonight's clusters matched to the segments of the parent date.

Cluster numbers mean nothing from one fit to the next. They are turned into segment ids here, and nothing
downstream sees them.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

SURVIVES = 0.3  # least Jaccard index of a cluster and the segment whose id it keeps
PARENT = 0.25  # least share of a new segment's known customers that makes their former segment a parent


@dataclass(frozen=True)
class Match:
    """A cluster: the id it keeps (None: it is new), and the segments that its customers came from."""

    cluster: int
    segment_id: int | None
    parents: tuple[int, ...]


def match(overlap: dict[tuple[int, int], int], clusters: list[int]) -> list[Match]:
    """Match clusters to segments so that the customers in matched pairs are as many as can be.

    Parameters
    ----------
    overlap
        (cluster, segment id) -> customers in both, counted over those who are in both dates.
    clusters
        All clusters, in the order in which new ids are given.

    Returns
    -------
    One match a cluster, in the order of `clusters`. Solved by the Hungarian algorithm on the overlap; a pair
    below a Jaccard index of 0.3 is no match. Permuting cluster numbers permutes the result and no more.
    """
    segments = sorted({segment for _, segment in overlap})
    counts = np.array([[overlap.get((c, s), 0) for s in segments] for c in clusters], dtype=float)
    kept = _kept(counts, clusters, segments) if counts.size else {}
    result = []
    for row, cluster in enumerate(clusters):
        known = counts[row].sum() if counts.size else 0
        shares = counts[row] / known if known else np.zeros(len(segments))
        parents = tuple(s for s, share in zip(segments, shares, strict=True) if share >= PARENT)
        result.append(Match(cluster, kept.get(cluster), parents))
    return result


def _kept(counts: np.ndarray, clusters: list[int], segments: list[int]) -> dict[int, int]:
    union = counts.sum(axis=1, keepdims=True) + counts.sum(axis=0, keepdims=True) - counts
    jaccard = np.divide(counts, union, out=np.zeros_like(counts), where=union > 0)
    # the Jaccard index breaks ties between equal overlaps, so that the order of clusters does not; all pairs
    # together add less than one customer
    rows, columns = linear_sum_assignment(counts + jaccard / (2 * min(counts.shape)), maximize=True)
    return {
        clusters[row]: segments[column]
        for row, column in zip(rows, columns, strict=True)
        if jaccard[row, column] >= SURVIVES
    }
