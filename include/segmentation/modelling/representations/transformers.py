"""Transformers of representations: groups of features, weights of factors, percentile ranks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from segmentation.modelling.prepare import group_of

RANKING_ROWS = 100_000
RANKS = 1_001
LOOKED_UP = 4_096  # of fewer numbers a table costs more than it saves
BITS_LEFT_OUT = 43  # of 64: 512 places from a number to twice that number
STEPS = 8  # values in one place, of which more are searched for
THREADED_ROWS = 50_000  # of fewer rows a column costs less than a thread that takes it


class GroupSelector(SelectorMixin, BaseEstimator):
    """The columns made of the features of one group; all columns where there is none of it.

    Parameters
    ----------
    groups : dict
        Group of each feature, by the feature's name.
    group : str
    """

    def __init__(self, groups: dict | None = None, group: str = "rfm"):
        self.groups = groups
        self.group = group

    def fit(self, X, y=None) -> GroupSelector:
        validate_data(self, X, dtype=np.float64)
        names = self.feature_names_in_
        self.kept_ = np.array([group_of(name, self.groups or {}) == self.group for name in names])
        if not self.kept_.any():
            self.kept_[:] = True
        return self

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self.kept_


class FactorWeights(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Divide each feature group by the standard deviation of its first principal component.

    Multiple factor analysis (Escofier, Pages 1994): no group can have a direction that outweighs
    every other group's, and a group of many different traits still counts for more than one of few.

    Parameters
    ----------
    groups : dict
        Group of each feature, by the feature's name.

    Attributes
    ----------
    factors_ : ndarray of shape (n_features,)
        What each column is multiplied by.
    """

    def __init__(self, groups: dict | None = None):
        self.groups = groups

    def fit(self, X, y=None) -> FactorWeights:
        X = validate_data(self, X, dtype=np.float64)
        group = np.array([group_of(name, self.groups or {}) for name in self.feature_names_in_])
        self.factors_ = np.ones(X.shape[1])
        for name in np.unique(group):
            columns = np.flatnonzero(group == name)
            covariance = np.cov(X[:, columns], rowvar=False, bias=True).reshape(len(columns), -1)
            largest = np.linalg.eigvalsh(covariance)[-1]
            self.factors_[columns] = 1 / np.sqrt(largest) if largest > 0 else 1.0
        return self

    def transform(self, X) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False) * self.factors_


class PercentileRanks(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Each value as the share of customers that are below it, ties in the middle: 0..1.

    The mid-rank in the sample of `fit` (at most 100,000 rows), straight between the values known. Unlike
    scikit-learn's QuantileTransformer it gives the smallest value, which half of all customers may have,
    the middle of their ranks and not 0.

    Attributes
    ----------
    values_, shares_ : lists of ndarray
        By column, the known values in order and the share below each.
    """

    def __init__(self, seed: int = 0):
        self.seed = seed

    def fit(self, X, y=None) -> PercentileRanks:
        X = validate_data(self, X, dtype=np.float64)
        rows = np.random.default_rng(self.seed).permutation(len(X))[:RANKING_ROWS]
        quantiles = _quantiles(X[rows])
        distinct = [np.unique(column, return_index=True, return_counts=True) for column in quantiles.T]
        self.values_ = [values for values, _, _ in distinct]
        self.shares_ = [(first + (counts - 1) / 2) / (RANKS - 1) for _, first, counts in distinct]
        return self

    def transform(self, X) -> np.ndarray:
        check_is_fitted(self)
        return np.column_stack(self.by_column(validate_data(self, X, dtype=np.float64, reset=False)))

    def by_column(self, X: np.ndarray) -> list[np.ndarray]:
        """The ranks of numbers, an array a column."""
        if len(X) < THREADED_ROWS:
            return list(map(_shares, X.T, self.values_, self.shares_))
        with ThreadPoolExecutor() as pool:  # a column each
            return list(pool.map(_shares, X.T, self.values_, self.shares_))


def _shares(column: np.ndarray, values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Values of `np.interp`, whose search for the place of each number costs up to ten times as much as a look-up.

    The leading bits of a number's distance from the least value say where it is, but for a step or two.
    """
    column = np.ascontiguousarray(column)
    if len(column) < LOOKED_UP or len(values) < 2:
        return np.interp(column, values, shares)
    least, nearest = values[0], values[1] - values[0]

    def leading(numbers: np.ndarray) -> np.ndarray:
        return (numbers - least + nearest).view(np.int64) >> BITS_LEFT_OUT

    places = leading(values)
    if places[-1] - places[0] > len(column):
        return np.interp(column, values, shares)
    alike = np.bincount(places - places[0])
    if alike.max() > STEPS:
        return np.interp(column, values, shares)
    column = np.clip(column, least, values[-1])
    below = np.maximum(alike.cumsum() - alike - 1, 0).take(leading(column) - places[0])
    following = np.append(values[1:], np.inf)
    for _ in range(alike.max()):
        below += following.take(below) <= column
    slopes = np.append(np.diff(shares) / np.diff(values), 0.0)
    return slopes.take(below) * (column - values.take(below)) + shares.take(below)


def _quantiles(X: np.ndarray) -> np.ndarray:
    """Values of `np.quantile(X, shares, axis=0, method="inverted_cdf")`, which selects a thousand one by one.

    Values are sorted once; which of them are wanted is the same in every column.
    """
    places = np.quantile(np.arange(len(X)), np.linspace(0, 1, RANKS), method="inverted_cdf")
    return np.sort(X, axis=0)[places]


Places = PercentileRanks  # the name in models that were stored before 0.2
