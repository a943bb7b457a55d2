"""Samples of customers where there are too many: those a fit sees, and those all candidates label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pandas as pd

from segmentation.modelling.settings import ModelSettings

BLOCK_ROWS = 65_536
RARE_SHARE = 0.25  # of a sample, drawn by how far off customers are


def rare_keeping_sample(X: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Row numbers, ascending, of a sample without replacement in which far-off rows are likelier.

    Row i is drawn with weight 3/4 * 1/n + 1/4 * |x_i - mean|^2 / sum of those: a quarter by leverage (the
    lightweight coreset of Bachem, Lucic, Krause 2018, which draws half), by the largest log(u)/weight
    (Efraimidis, Spirakis 2006).
    """
    return np.sort(_drawn_first(X, seed)[:size]) if len(X) > size else np.arange(len(X))


def _drawn_first(X: np.ndarray, seed: int) -> np.ndarray:
    """Row numbers in the order in which samples take them: each sample is the beginning of a larger one."""
    n = len(X)
    distance = _squared_distances(X, X.mean(axis=0))
    weight = (1 - RARE_SHARE) / n + RARE_SHARE * distance / max(distance.sum(), np.finfo(float).tiny)
    keys = np.log(np.random.default_rng(seed).random(n)) / weight
    return np.argsort(-keys, kind="stable")


def _squared_distances(X: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Squared distance of each row from a centre, by blocks: the differences are as large as the matrix."""
    blocks = (X[start : start + BLOCK_ROWS] for start in range(0, len(X), BLOCK_ROWS))
    return np.concatenate([np.square(block - centre).sum(axis=1) for block in blocks])


@dataclass(frozen=True)
class SearchSample:
    """The customers of a matrix that a search works on: those it fits on, and those it evaluates on.

    Of a million customers some 40,000 are enough for the fits of all algorithms, so that each of them does
    not have to read the whole matrix, and to bring it into the order of customers.

    Attributes
    ----------
    X : ndarray of shape (n_sample, n_columns), float64
        In the order of customers.
    drawn : ndarray of shape (n_drawn,)
        Rows of X in the order in which samples take them.
    evaluated : ndarray of shape (n_evaluated,)
        Rows of X of the customers whom candidates label, as `evaluation_rows` orders them.
    """

    X: np.ndarray
    drawn: np.ndarray
    evaluated: np.ndarray

    @classmethod
    def of(cls, X: pd.DataFrame | np.ndarray, settings: ModelSettings) -> SearchSample:
        """Sample of a prepared matrix; a DataFrame is taken in the order of its index, an array as it is."""
        values, place = ordered(X)
        evaluated = place[evaluation_rows(X, settings)]
        drawn = _drawn_first(values, settings.seed)
        if len(values) > settings.max_fit_rows:
            drawn = drawn[: settings.max_fit_rows]
        rows = np.union1d(drawn, evaluated)
        return cls(values[rows], np.searchsorted(rows, drawn), np.searchsorted(rows, evaluated))

    def sample(self, size: int) -> np.ndarray:
        """`rare_keeping_sample` of the matrix, as rows of X: everybody where they are no more than `size`."""
        return np.sort(self.drawn[:size])

    def write(self, file: BinaryIO) -> None:
        """Keep it as arrays of numbers."""
        np.savez(file, X=self.X, drawn=self.drawn, evaluated=self.evaluated)

    @classmethod
    def read(cls, file: BinaryIO) -> SearchSample:
        """Read back from `write`."""
        with np.load(file, allow_pickle=False) as arrays:
            return cls(arrays["X"], arrays["drawn"], arrays["evaluated"])


def evaluation_rows(X: pd.DataFrame | np.ndarray, settings: ModelSettings) -> np.ndarray:
    """Row numbers, ascending, of the customers whom candidates label: all, or one uniform sample.

    The sample is the same for all candidates and does not depend on the order of a DataFrame's rows.
    """
    if len(X) <= settings.evaluation_rows:
        return np.arange(len(X))
    return np.sort(in_order(X)[_drawn(len(X), settings)])


def in_order(X: pd.DataFrame | np.ndarray) -> np.ndarray:
    """Row numbers by customer; an array is taken to be in that order."""
    if isinstance(X, pd.DataFrame):
        return X.index.argsort(kind="stable")
    return np.arange(len(X))


def ordered(X: pd.DataFrame | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The matrix in the order of customers, float64, and where in it each row of X is.

    Raises
    ------
    ValueError
        The matrix is empty, or has values that are not finite.
    """
    values = np.ascontiguousarray(X, dtype=np.float64)
    if values.ndim != 2 or not values.size:
        raise ValueError("the matrix is empty")
    if not np.isfinite(values).all():
        raise ValueError("the matrix has values that are not finite")
    order = in_order(X)
    place = np.empty(len(values), dtype=np.intp)
    place[order] = np.arange(len(values))
    return values if (np.diff(order) > 0).all() else values[order], place


def _drawn(n: int, settings: ModelSettings) -> np.ndarray:
    return np.random.default_rng(settings.seed).permutation(n)[: settings.evaluation_rows]
