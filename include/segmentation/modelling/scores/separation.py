"""Gaps between segments: how much emptier it is on the way from one to the next than in both.

Density between single customers (`density.density_validity`) says nothing of groups that touch: one pair of
them is near whatever the rest is like. Seen along the line that parts two groups best, fifteen touching groups
have a gap between each two, and a cut through a crowd has none.
"""

from __future__ import annotations

import numpy as np

NEAREST = 6  # other segments that a segment is compared with, by the distance of means
STEPS = 40  # places between two segments where the density is taken
BEYOND = 10  # and on either side of them
BINS = 200
BANDWIDTH = 1.06  # standard deviations times n^(-1/5), of Silverman (1986)


def separation(X: np.ndarray, labels: np.ndarray) -> float:
    """Mean over customers of the depth of the shallowest gap around their segment, 0..1; NaN below two segments.

    Parameters
    ----------
    X : ndarray of shape (n, n_columns)
    labels : ndarray of shape (n,)
        As published: without noise.

    Notes
    -----
    The depth of the gap between two segments is 1 - the smallest density between their medians over the lower of
    the highest densities on either side of it, on their discriminant axis (as the separation index of
    Qiu, Joe 2006, but of density and not of quantiles, so that segments need not be Gaussian).
    """
    clusters, sizes = np.unique(labels, return_counts=True)
    if len(clusters) < 2:
        return float("nan")
    members = [X[labels == cluster] for cluster in clusters]
    means = np.stack([rows.mean(axis=0) for rows in members])
    apart = np.square(means[:, None] - means).sum(axis=2)
    nearest = np.argsort(apart, axis=1, kind="stable")[:, 1 : 1 + NEAREST]
    shallowest = np.ones(len(clusters))
    for pair in sorted({(min(a, b), max(a, b)) for a, others in enumerate(nearest) for b in others}):
        depth = gap(members[pair[0]], members[pair[1]])
        shallowest[list(pair)] = np.minimum(shallowest[list(pair)], depth)
    return float(shallowest @ sizes / sizes.sum())


def gap(one: np.ndarray, other: np.ndarray) -> float:
    """Depth of the gap between two groups of rows, 0..1."""
    axis = _discriminant(one, other)
    a, b = one @ axis, other @ axis
    start, stop = float(np.median(a)), float(np.median(b))
    spread = np.sqrt((a.var() * len(a) + b.var() * len(b)) / (len(a) + len(b)))
    if not stop > start:
        return 0.0
    if not spread > 0:
        return 1.0
    before = np.linspace(start - 2 * spread, start, BEYOND, endpoint=False)
    after = np.linspace(stop, stop + 2 * spread, BEYOND + 1)[1:]
    places = np.concatenate([before, np.linspace(start, stop, STEPS), after])
    bandwidth = BANDWIDTH * spread * min(len(a), len(b)) ** -0.2
    density = _density(np.concatenate([a, b]), places, bandwidth)
    lowest = BEYOND + int(density[BEYOND : BEYOND + STEPS].argmin())
    lower = min(density[: lowest + 1].max(), density[lowest:].max())
    return float(1 - density[lowest] / lower) if lower > 0 else 1.0


def _discriminant(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The direction that parts two groups best, by their pooled covariance, shrunk to a ball where rows are few."""
    n, d = len(one) + len(other), one.shape[1]
    means = one.mean(axis=0), other.mean(axis=0)
    centred = np.concatenate([one - means[0], other - means[1]])
    covariance = centred.T @ centred / n
    shrinkage = min(1.0, d / n)
    ball = np.trace(covariance) / d
    covariance = (1 - shrinkage) * covariance + (shrinkage * ball + 1e-9 * (1 + ball)) * np.eye(d)
    return np.linalg.solve(covariance, means[1] - means[0])


def _density(values: np.ndarray, places: np.ndarray, bandwidth: float) -> np.ndarray:
    """Kernel density at some places, unscaled, of values in bins."""
    counts, edges = np.histogram(values, BINS, (places[0] - 3 * bandwidth, places[-1] + 3 * bandwidth))
    middles = (edges[1:] + edges[:-1]) / 2
    return np.exp(-0.5 * np.square((places[:, None] - middles) / bandwidth)) @ counts
