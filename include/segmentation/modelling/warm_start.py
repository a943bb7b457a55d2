"""Candidates that start from the model in use: its segments' means, moved to where today's customers are.

A new fit cuts a crowd elsewhere and moves a quarter of the customers for nothing. K-means that begins at the means
of the segments in use keeps their number and most of their customers, and can still follow what has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter

import numpy as np
from sklearn.cluster import KMeans

from segmentation.modelling import stability
from segmentation.modelling.labellers import NOISE, CentreLabeller
from segmentation.modelling.search import WARM, Candidate
from segmentation.modelling.settings import ModelSettings
from segmentation.modelling.threads import one_thread


def continued(
    labels: np.ndarray, matrices: Mapping[str, np.ndarray], settings: ModelSettings
) -> list[Candidate]:
    """A candidate a representation, begun at the means of the segments in use there.

    Parameters
    ----------
    labels : ndarray of shape (n_evaluated,)
        Of the model in use; -1 is noise.
    matrices : dict of ndarray of shape (n_evaluated, n_columns)
        The same customers by representation, in the same order.

    Returns
    -------
    list of Candidate
        Cluster i is what has become of cluster i; none where fewer than two clusters have customers.
    """
    present = np.unique(labels[labels != NOISE])
    if len(present) < 2 or len(present) <= present.max():  # a cluster that has no customers left
        return []
    with one_thread():
        return [_continued(labels, name, np.asarray(X), settings) for name, X in matrices.items()]


def _continued(labels: np.ndarray, representation: str, X: np.ndarray, settings: ModelSettings) -> Candidate:
    started = perf_counter()
    start = np.stack([X[labels == cluster].mean(axis=0) for cluster in range(labels.max() + 1)])
    labeller, converged = _fitted(X, start, settings.seed)
    own, confidence = labeller.label(X)
    k = len(np.unique(own))
    candidate = Candidate(
        f"{WARM} from the model in use k={k} on {representation}",
        WARM,
        {"k": k},
        k,
        own,
        confidence,
        converged=converged and k == len(start),
        representation=representation,
        labeller=labeller,
        fitted_rows=len(X),
    )

    def refit(rows: np.ndarray, shown: np.ndarray) -> np.ndarray:
        return _fitted(X[shown], start, settings.seed)[0].label(X[rows])[0]

    scored = replace(candidate, **stability.against_refits(own, len(start), refit, settings))
    return replace(scored, seconds=perf_counter() - started)


def _fitted(X: np.ndarray, start: np.ndarray, seed: int) -> tuple[CentreLabeller, bool]:
    fit = KMeans(len(start), init=start, n_init=1, max_iter=300, random_state=seed).fit(X)
    return CentreLabeller(fit.cluster_centers_), fit.n_iter_ < fit.max_iter
