"""In what customers are compared: several matrices of one feature table, each with its own candidates.

All start with the same columns (checked, clipped, imputed, on a scale of their own, redundant ones
dropped) and differ in what becomes of them after. A representation is an entry of `REPRESENTATIONS`
and a case in `tests/modelling/test_representations.py`. `ALL` is always made: it is the space that
scores are computed in, for candidates of every representation, so that they stay comparable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_selection import SelectorMixin
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from segmentation.modelling.prepare import Feature, group_of, make_pipeline
from segmentation.modelling.settings import PreparationSettings

ALL = "all"
FOLDS = 5
VARIANCE_KEPT = 0.9
LEARNING_ROWS = 20_000
PLACING_ROWS = 100_000
PLACES = 1_001
RIDGES = tuple(10.0**power for power in range(-1, 5))


@dataclass(frozen=True)
class Past:
    """Customers as they were a horizon ago, and what they did since.

    Attributes
    ----------
    features : DataFrame of shape (n_then, n_features), index = customer_id
    spend : ndarray of shape (n_then,)
        Currency units within the horizon; 0 for who bought nothing.
    year_before : Past, optional
        The same of a year ago: the season that is coming, as it was the last time.
    """

    features: pd.DataFrame
    spend: np.ndarray
    year_before: Past | None = None


@dataclass(frozen=True)
class Representation:
    """An entry: how a prepared matrix goes on.

    Attributes
    ----------
    title : str
        In words, for the report.
    steps : (features, settings) -> list of (name, transformer)
        What follows the columns common to all.
    learns : bool
        Whether the last step is fitted on the customers of a horizon ago and what they spent since;
        a shop that is too young has no such representation.
    """

    name: str
    title: str
    steps: Callable[[Sequence[Feature], PreparationSettings], list[tuple[str, BaseEstimator]]]
    learns: bool = False


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


class Places(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
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

    def fit(self, X, y=None) -> Places:
        X = validate_data(self, X, dtype=np.float64)
        rows = np.random.default_rng(self.seed).permutation(len(X))[:PLACING_ROWS]
        known = np.quantile(X[rows], np.linspace(0, 1, PLACES), axis=0, method="inverted_cdf")
        found = [np.unique(column, return_index=True, return_counts=True) for column in known.T]
        self.values_ = [values for values, _, _ in found]
        self.shares_ = [(first + (counts - 1) / 2) / (PLACES - 1) for _, first, counts in found]
        return self

    def transform(self, X) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        with ThreadPoolExecutor() as pool:  # a column each
            return np.column_stack(list(pool.map(np.interp, X.T, self.values_, self.shares_)))


class Outlook(TransformerMixin, BaseEstimator):
    """Columns, and beside them what all features foretell, as learned from the shop's own past.

    Fitted on customers of a horizon ago with y = log(1 + what they spent since). It learns from their
    places among each other (`Places`) and is told the places of today's customers among themselves: a
    shop that was younger then had other values, a customer in the upper tenth is one still. On Online
    Retail as of 2011-04-15, when the shop's history had tripled within the horizon, the squared
    correlation with what came was .10 by values and .25 by places (.26 is the ceiling there); at later
    dates both are alike. The added column is the mean of two forecasts, ridge regression and boosted
    trees of depth 3: the one finds what goes on evenly, the other what has thresholds. The season is
    learned from a year ago, where the shop is old enough.

    Parameters
    ----------
    beside : transformer
        Makes the other columns; fitted here.
    weight : float
        Variance of the forecast, as a multiple of that of all other columns together.
    seed : int

    Attributes
    ----------
    factor_ : float
        What a forecast, in units of log(1 + spend), is multiplied by.
    """

    def __init__(self, beside: BaseEstimator, weight: float = 1.0, seed: int = 0):
        self.beside = beside
        self.weight = weight
        self.seed = seed

    def fit(self, X, y, today=None, season=None) -> Outlook:
        """Learn from the customers of then, to show those of `today` (absent: those of then).

        `season`, an X and a y of the same days of the year before, is learned from as well; what was bought
        more or less by everybody in one of both is left out.
        """
        validate_data(self, X, dtype=np.float64)
        today = X if today is None else today
        lessons = [self._lesson(*lesson) for lesson in ((X, y), season) if lesson is not None]
        shown, outcome = (np.concatenate(parts) for parts in zip(*lessons, strict=True))
        steps = HistGradientBoostingRegressor(
            max_depth=3, max_iter=150, learning_rate=0.05, early_stopping=False, random_state=self.seed
        )
        with threadpool_limits(1):  # the same sums whatever the machine
            self.even_ = RidgeCV(alphas=RIDGES).fit(shown, outcome)
            self.steps_ = steps.fit(shown, outcome)
        self.places_ = Places(self.seed).fit(np.asarray(today, dtype=np.float64))
        self.beside_ = clone(self.beside).fit(X)
        others = np.asarray(self.beside_.transform(X)).var(axis=0).sum()
        spread = self._told(shown).std()
        self.factor_ = float(np.sqrt(self.weight * others) / spread) if spread > 0 else 0.0
        return self

    def _lesson(self, X, y) -> tuple[np.ndarray, np.ndarray]:
        """Places of a sample of these customers, and what they spent more than the mean of it."""
        values, outcome = np.asarray(X, dtype=np.float64), np.asarray(y)
        rows = np.random.default_rng(self.seed).permutation(len(values))[:LEARNING_ROWS]
        return Places(self.seed).fit(values).transform(values[rows]), outcome[rows] - outcome.mean()

    def _told(self, places: np.ndarray) -> np.ndarray:
        with threadpool_limits(1):
            even = self.even_.predict(places)
        return (even + self.steps_.predict(places)) / 2  # trees: a row is one thread's

    def transform(self, X) -> np.ndarray:
        check_is_fitted(self)
        values = validate_data(self, X, dtype=np.float64, reset=False)
        forecast = self._told(self.places_.transform(values))
        return np.column_stack([np.asarray(self.beside_.transform(X)), self.factor_ * forecast])

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        return np.asarray([*self.beside_.get_feature_names_out(), "outlook"], dtype=object)


def _groups(features: Sequence[Feature]) -> dict[str, str]:
    return {feature.name: feature.group for feature in features}


def _weights(features: Sequence[Feature], settings: PreparationSettings) -> BaseEstimator:
    """The last step of the preparation that everything else is compared with."""
    return make_pipeline(features, settings)[-1]


REPRESENTATIONS = {
    entry.name: entry
    for entry in (
        Representation(
            ALL,
            "all features, groups weighted as the settings say",
            lambda features, settings: [("weight", _weights(features, settings))],
        ),
        Representation(
            "rfm",
            "recency, frequency and money only",
            lambda features, settings: [("rfm", GroupSelector(_groups(features)))],
        ),
        Representation(
            "balanced",
            "all features, groups balanced (multiple factor analysis)",
            lambda features, settings: [("balance", FactorWeights(_groups(features)))],
        ),
        Representation(
            "pca",
            "principal components of the weighted features",
            lambda features, settings: [
                ("weight", _weights(features, settings)),
                ("pca", PCA(VARIANCE_KEPT, svd_solver="full")),
            ],
        ),
        Representation(
            "outlook",
            "all features, groups balanced, and what they foretell by the shop's own past",
            lambda features, settings: [("outlook", Outlook(FactorWeights(_groups(features)), weight=0.5))],
            learns=True,
        ),
        Representation(
            "rfm_outlook",
            "recency, frequency and money, and what all features foretell by the shop's own past",
            lambda features, settings: [("outlook", Outlook(GroupSelector(_groups(features)), weight=3.0))],
            learns=True,
        ),
    )
}


def represent(
    table: pd.DataFrame,
    features: Sequence[Feature],
    settings: PreparationSettings,
    wanted: Sequence[str],
    past: Past | None = None,
) -> dict[str, tuple[Pipeline, pd.DataFrame]]:
    """The fitted pipeline and the matrix of each representation wanted, and of `ALL`.

    Parameters
    ----------
    table : DataFrame of shape (n_customers, >= n_features), index = customer_id
    past : Past, optional
        Without it the representations that learn are left out.

    Returns
    -------
    dict
        Each pipeline goes from the feature table to its matrix, of shape (n_customers, n_columns),
        ordered by customer. One whose matrix would not differ from an earlier one is left out.

    Raises
    ------
    ValueError
        See `prepare.prepare`; or a representation is unknown.
    """
    if table.empty:
        raise ValueError("no customers to prepare")
    if not table.index.is_unique:
        raise ValueError("a customer occurs more than once in the feature table")
    common = Pipeline(make_pipeline(features, settings).steps[:-1]).set_output(transform="pandas")
    scaled = common.fit_transform(table.sort_index())
    made: dict[str, tuple[Pipeline, pd.DataFrame]] = {}
    for name in dict.fromkeys([ALL, *wanted]):
        entry = REPRESENTATIONS[name]
        if entry.learns and past is None:
            continue
        own = Pipeline(entry.steps(features, settings)).set_output(transform="pandas")
        if entry.learns:
            lessons = _lessons(common, past)
            own.fit(*lessons["then"], outlook__today=scaled, outlook__season=lessons.get("season"))
            matrix = own.transform(scaled)
        else:
            matrix = own.fit_transform(scaled)
        if not any(matrix.shape == other.shape and np.allclose(matrix, other) for _, other in made.values()):
            made[name] = Pipeline([*common.steps, *own.steps]), matrix
    return made


def _lessons(common: Pipeline, past: Past) -> dict[str, tuple[pd.DataFrame, np.ndarray]]:
    """X and y of what is learned from, in the columns common to all."""
    of = {"then": past} | ({"season": past.year_before} if past.year_before is not None else {})
    return {name: (common.transform(each.features), np.log1p(each.spend)) for name, each in of.items()}


def of_the_past(pipeline: Pipeline, past: Past, seed: int) -> np.ndarray:
    """The customers of a horizon ago as `pipeline` shows them; what it learned from them, cross-fitted.

    A step that learned from these customers would tell its own training set well. So the rows of each
    of 5 folds come from that step fitted on the other folds.

    Returns
    -------
    ndarray of shape (n_then, n_columns)
    """
    step = pipeline[-1]
    if not isinstance(step, Outlook):
        return pipeline.transform(past.features).to_numpy()
    lessons = _lessons(pipeline[:-1], past)
    values, outcome = lessons["then"]
    shown_as = np.empty((len(values), len(step.get_feature_names_out())))
    for shown, held in KFold(FOLDS, shuffle=True, random_state=seed).split(values):
        refitted = clone(step)
        refitted.fit(values.iloc[shown], outcome[shown], today=values, season=lessons.get("season"))
        refitted.factor_ = step.factor_  # one scale, that of the segments
        shown_as[held] = refitted.transform(values.iloc[held])
    return shown_as
