"""Which customers a fit sees, and which all candidates label, where there are too many for everybody."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segmentation.modelling.settings import ModelSettings

RARE_SHARE = 0.25  # of a sample, drawn by how far off customers are


def rare_keeping_sample(X: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Row numbers, ascending, of a sample without replacement in which far-off rows are likelier.

    Row i is drawn with weight 3/4 * 1/n + 1/4 * |x_i - mean|^2 / sum of those: a quarter by leverage (the
    lightweight coreset of Bachem, Lucic, Krause 2018, which draws half), by the largest log(u)/weight
    (Efraimidis, Spirakis 2006).
    """
    n = len(X)
    if n <= size:
        return np.arange(n)
    distance = np.square(X - X.mean(axis=0)).sum(axis=1)
    weight = (1 - RARE_SHARE) / n + RARE_SHARE * distance / max(distance.sum(), np.finfo(float).tiny)
    keys = np.log(np.random.default_rng(seed).random(n)) / weight
    return np.sort(np.argsort(-keys, kind="stable")[:size])


def judged_rows(X: pd.DataFrame | np.ndarray, settings: ModelSettings) -> np.ndarray:
    """Row numbers, ascending, of the customers whom candidates label: all, or one uniform sample.

    The sample is the same for all candidates and does not depend on the order of a DataFrame's rows.
    """
    if len(X) <= settings.judged_rows:
        return np.arange(len(X))
    return np.sort(in_order(X)[_drawn(len(X), settings)])


def in_order(X: pd.DataFrame | np.ndarray) -> np.ndarray:
    """Row numbers by customer; an array is taken to be in that order."""
    if isinstance(X, pd.DataFrame):
        return X.index.argsort(kind="stable")
    return np.arange(len(X))


def _drawn(n: int, settings: ModelSettings) -> np.ndarray:
    return np.random.default_rng(settings.seed).permutation(n)[: settings.judged_rows]
