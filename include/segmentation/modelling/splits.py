"""Candidates that split segments of the model in use and leave the others as they are.

A new fit that foresees more mostly does so within a segment or two: those who spend most are told apart. It also draws
all other borders anew, which moves half of the customers for nothing. A split gains much of the same and moves
the smaller part of one segment. See docs/adr/0010.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from time import perf_counter
from typing import TypeAlias

import numpy as np
from sklearn.cluster import KMeans

from segmentation.modelling import stability
from segmentation.modelling.labellers import CentreLabeller
from segmentation.modelling.search import WARM, Candidate
from segmentation.modelling.settings import ModelSettings
from segmentation.modelling.threads import one_thread

PARTS = (2, 3, 4)  # of one segment; two segments are halved
STARTS = 3  # of the k-means that divides a segment

Way: TypeAlias = Mapping[int, int]  # parts of each segment that is split


def split(incumbent: Candidate, X: np.ndarray, settings: ModelSettings) -> list[Candidate]:
    """Candidates that split one segment of the model in use in up to four, or two in halves.

    Parameters
    ----------
    incumbent : Candidate
        The model in use, with its labels of the rows of X.
    X : ndarray of shape (n_evaluated, n_columns)
        The customers in the matrix of its own preparation.

    Returns
    -------
    list of Candidate
        The largest part of a segment keeps its number. None where the model in use does not label by centres.
    """
    if not isinstance(incumbent.labeller, CentreLabeller):
        return []
    centres = incumbent.labeller.centres
    with one_thread():
        parts = {
            (cluster, number): _parts(X[incumbent.labels == cluster], number, settings.seed)
            for cluster in range(len(centres))
            for number in PARTS
            if (incumbent.labels == cluster).sum() >= number and len(centres) + number - 1 <= settings.k_max
        }
        return [
            _split(incumbent, X, way, [parts[each] for each in way.items()], settings)
            for way in _ways(parts, settings.k_max - len(centres))
        ]


def _ways(parts: Mapping[tuple[int, int], np.ndarray], most_added: int) -> Iterator[Way]:
    yield from ({cluster: number} for cluster, number in parts)
    halved = [cluster for cluster, number in parts if number == min(PARTS)]
    if most_added >= 2:
        yield from ({one: 2, other: 2} for one, other in combinations(halved, 2))


def _parts(X: np.ndarray, number: int, seed: int) -> np.ndarray:
    """The centres of the parts of a segment, the largest part first."""
    fit = KMeans(number, n_init=STARTS, random_state=seed).fit(X)
    sizes = np.bincount(fit.labels_, minlength=number)
    return fit.cluster_centers_[np.argsort(-sizes, kind="stable")]


def _split(
    incumbent: Candidate, X: np.ndarray, way: Way, parts: list[np.ndarray], settings: ModelSettings
) -> Candidate:
    started = perf_counter()
    old = incumbent.fitted.centres
    centres = _with_parts(old, way, parts)
    labeller, k = CentreLabeller(centres), len(centres)
    labels, confidence = labeller.label(X)
    words = ", ".join(f"{cluster} in {number}" for cluster, number in way.items())
    candidate = Candidate(
        f"{WARM} from the model in use k={k}, split {words}",
        WARM,
        {"k": k, "split": words},
        k,
        labels,
        confidence,
        converged=len(np.unique(labels)) == k,
        representation=incumbent.representation,
        labeller=labeller,
        fitted_rows=len(X),
    )

    def refit(rows: np.ndarray, shown: np.ndarray) -> np.ndarray:
        own = [incumbent.labels[shown] == cluster for cluster in way]
        again = [_again(X[shown[is_own]], few) for is_own, few in zip(own, parts, strict=True)]
        return CentreLabeller(_with_parts(old, way, again)).label(X[rows])[0]

    scored = replace(candidate, **stability.against_refits(labels, k, refit, settings))
    return replace(scored, seconds=perf_counter() - started)


def _with_parts(centres: np.ndarray, way: Way, parts: list[np.ndarray]) -> np.ndarray:
    """The centres with the largest part of each split segment in its place, and the other parts at the end."""
    together = centres.copy()
    for cluster, own in zip(way, parts, strict=True):
        together[cluster] = own[0]
    return np.vstack([together, *(own[1:] for own in parts)])


def _again(X: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """The centres of the parts by other customers; those that there are too few of stay."""
    if len(X) < len(parts):
        return parts
    return KMeans(len(parts), init=parts, n_init=1).fit(X).cluster_centers_
