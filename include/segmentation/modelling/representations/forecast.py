"""The representation by what customers are expected to do next."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from segmentation.modelling.prepare import BLOCK_ROWS
from segmentation.modelling.representations.transformers import PercentileRanks
from segmentation.modelling.threads import one_thread
from segmentation.modelling.trees import DEPTH, Trees

LEARNING_ROWS = 20_000
BOOSTED_FROM = 2_000  # rows to learn from; of fewer, random trees learn less of what is chance
RIDGES = tuple(10.0**power for power in range(-1, 5))
Steps: TypeAlias = ExtraTreesRegressor | HistGradientBoostingRegressor


@dataclass(frozen=True)
class Learned:
    """A forecast learned from the shop's past, whatever columns it is put beside.

    Attributes
    ----------
    even : ridge regression
    steps : boosted trees, or random trees in a shop of few customers (none in models stored before 0.2)
    ranks : the percentile ranks of today's customers
    spread : float
        Standard deviation of what is foretold of the customers learned from; NaN where it is not wanted.
    """

    even: RidgeCV
    steps: Steps | None
    ranks: PercentileRanks
    spread: float

    @classmethod
    def of(cls, samples: Sequence[tuple], today: np.ndarray, seed: int, with_spread: bool = True) -> Learned:
        """Learn from samples (X, y) to show those of `today`."""
        parts = [_training_sample(X, y, seed) for X, y in samples]
        ranks, outcome = (np.concatenate(part) for part in zip(*parts, strict=True))
        with one_thread():  # the same sums whatever the machine
            even = RidgeCV(alphas=RIDGES).fit(ranks, outcome)
            steps = _trees(len(ranks), seed).fit(ranks, outcome)
        spread = float(_predict(even, steps, ranks).std()) if with_spread else float("nan")
        return cls(even, steps, PercentileRanks(seed).fit(today), spread)


class ForecastCache:
    """Fitted forecasts by what they were learned from: several representations share one."""

    def __init__(self) -> None:
        self._models: dict[str, Learned] = {}

    def of(self, samples: Sequence[tuple], today: np.ndarray, seed: int, with_spread: bool = True) -> Learned:
        """Result of `Learned.of`, remembered."""
        arrays = [np.asarray(each, dtype=np.float64) for sample in samples for each in sample]
        digest = hashlib.blake2b(str((seed, with_spread, [each.shape for each in arrays])).encode())
        for each in (*arrays, today):
            for start in range(0, len(each), BLOCK_ROWS):
                digest.update(np.ascontiguousarray(each[start : start + BLOCK_ROWS]).data)
        key = digest.hexdigest()
        if key not in self._models:
            self._models[key] = Learned.of(samples, today, seed, with_spread)
        return self._models[key]


def _training_sample(X, y, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Percentile ranks of a sample of these customers, and what they spent more than the mean of it."""
    values, outcome = np.asarray(X, dtype=np.float64), np.asarray(y)
    rows = np.random.default_rng(seed).permutation(len(values))[:LEARNING_ROWS]
    return PercentileRanks(seed).fit(values).transform(values[rows]), outcome[rows] - outcome.mean()


def _trees(rows: int, seed: int) -> Steps:
    """Trees that learn little of what is chance in so many rows."""
    if rows < BOOSTED_FROM:
        return ExtraTreesRegressor(50, min_samples_leaf=10, max_features=0.5, random_state=seed)
    return HistGradientBoostingRegressor(
        max_depth=DEPTH, max_iter=150, learning_rate=0.05, early_stopping=False, random_state=seed
    )


def _predict(even: RidgeCV, steps: Steps | None, ranks: np.ndarray) -> np.ndarray:
    with one_thread():
        by_ridge = even.predict(ranks)
    if steps is None:
        return by_ridge
    if isinstance(steps, HistGradientBoostingRegressor) and steps.max_depth == DEPTH:
        by_steps = Trees.of(steps).sums(np.ascontiguousarray(ranks.T))
    else:
        by_steps = steps.predict(ranks)  # trees: a row is one thread's
    return (by_ridge + by_steps) / 2


class Forecast(TransformerMixin, BaseEstimator):
    """Columns, and beside them what all features foretell, as learned from the shop's own past.

    Fitted on customers of a horizon ago with y = log(1 + what they spent since). It learns from their
    percentile ranks (`PercentileRanks`) and is given the percentile ranks of today's customers: a shop that
    was younger then had other values, a customer in the upper tenth is one still. On Online
    Retail as of 2011-04-15, when the shop's history had tripled within the horizon, the squared
    correlation with what came was .10 by values and .25 by ranks (.26 is the ceiling there); at later
    dates both are alike. The added column is the mean of two forecasts, ridge regression and boosted
    trees of depth 3: the one finds what goes on evenly, the other what has thresholds. In a shop of few
    customers boosted trees learn what is chance, and random trees less of it (Geurts, Ernst, Wehenkel 2006):
    learned from 100, 400 and 1,000 customers on six dates of two shops, the squared correlation with what came
    is .25, .27, .28 and .35, .37, .38 by the regression, .23, .26, .28 and .37, .40, .42 with boosted trees, .25,
    .28, .29 and .37, .40, .41 with random ones. The season is learned from a year ago, where the shop is old enough.

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
    column_ : str
        The name of the added column.
    """

    def __init__(self, beside: BaseEstimator, weight: float = 1.0, seed: int = 0):
        self.beside = beside
        self.weight = weight
        self.seed = seed

    def fit(
        self,
        X,
        y,
        today=None,
        season=None,
        cache: ForecastCache | None = None,
        factor: float | None = None,
    ) -> Forecast:
        """Learn from the customers of then, to show those of `today` (absent: those of then).

        `season`, an X and a y of the same days of the year before, is learned from as well; what was bought
        more or less by everybody in one of both is left out. `cache` is shared with others of the night; `factor`
        is taken for `factor_` where it is known.
        """
        validate_data(self, X, dtype=np.float64)
        now = np.asarray(X if today is None else today, dtype=np.float64)
        samples = [data for data in ((X, y), season) if data is not None]
        learned = (cache or ForecastCache()).of(samples, now, self.seed, factor is None)
        self.even_, self.steps_, self.ranks_ = learned.even, learned.steps, learned.ranks
        self.beside_ = clone(self.beside).fit(X)
        self.column_ = "forecast"
        self.factor_ = self._factor(X, learned) if factor is None else factor
        return self

    def _factor(self, X, learned: Learned) -> float:
        others = np.asarray(self.beside_.transform(X)).var(axis=0).sum()
        return float(np.sqrt(self.weight * others) / learned.spread) if learned.spread > 0 else 0.0

    def transform(self, X) -> np.ndarray:
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        out = np.empty((len(X), len(self.get_feature_names_out())))
        for start in range(0, len(X), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            values = check_array(X[rows], dtype=np.float64)
            forecast = _predict(self.even_, self.steps_, self.ranks_.transform(values))
            out[rows, :-1] = self.beside_.transform(X[rows])
            out[rows, -1] = self.factor_ * forecast
        return out

    def __setstate__(self, state):
        """Restore a stored transformer; before 0.2 the ranks were called places."""
        super().__setstate__(
            {"ranks_" if name == "places_" else name: value for name, value in state.items()}
        )

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        own = getattr(self, "column_", "outlook")  # as models that were stored before 0.2 call it
        return np.asarray([*self.beside_.get_feature_names_out(), own], dtype=object)


Outlook = Forecast  # the name in models that were stored before 0.2
