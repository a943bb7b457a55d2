"""The representation by what customers are expected to do next."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from segmentation.modelling.representations.transformers import PercentileRanks

LEARNING_ROWS = 20_000
TREES_FROM = 2_000  # rows to learn from
RIDGES = tuple(10.0**power for power in range(-1, 5))


class Forecast(TransformerMixin, BaseEstimator):
    """Columns, and beside them what all features foretell, as learned from the shop's own past.

    Fitted on customers of a horizon ago with y = log(1 + what they spent since). It learns from their
    percentile ranks (`PercentileRanks`) and is given the percentile ranks of today's customers: a shop that
    was younger then had other values, a customer in the upper tenth is one still. On Online
    Retail as of 2011-04-15, when the shop's history had tripled within the horizon, the squared
    correlation with what came was .10 by values and .25 by ranks (.26 is the ceiling there); at later
    dates both are alike. The added column is the mean of two forecasts, ridge regression and boosted
    trees of depth 3: the one finds what goes on evenly, the other what has thresholds. In a shop of few
    customers trees learn what is chance (of 60 to 400 their AUC is .68 to .71, that of a regression on ranks .73
    to .74), so it is the first alone. The season is learned from a year ago, where the shop is old enough.

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

    def fit(self, X, y, today=None, season=None) -> Forecast:
        """Learn from the customers of then, to show those of `today` (absent: those of then).

        `season`, an X and a y of the same days of the year before, is learned from as well; what was bought
        more or less by everybody in one of both is left out.
        """
        validate_data(self, X, dtype=np.float64)
        today = X if today is None else today
        samples = [self._training_sample(*data) for data in ((X, y), season) if data is not None]
        ranks, outcome = (np.concatenate(parts) for parts in zip(*samples, strict=True))
        steps = HistGradientBoostingRegressor(
            max_depth=3, max_iter=150, learning_rate=0.05, early_stopping=False, random_state=self.seed
        )
        with threadpool_limits(1):  # the same sums whatever the machine
            self.even_ = RidgeCV(alphas=RIDGES).fit(ranks, outcome)
            self.steps_ = steps.fit(ranks, outcome) if len(ranks) >= TREES_FROM else None
        self.ranks_ = PercentileRanks(self.seed).fit(np.asarray(today, dtype=np.float64))
        self.beside_ = clone(self.beside).fit(X)
        self.column_ = "forecast"
        others = np.asarray(self.beside_.transform(X)).var(axis=0).sum()
        spread = self._predict(ranks).std()
        self.factor_ = float(np.sqrt(self.weight * others) / spread) if spread > 0 else 0.0
        return self

    def _training_sample(self, X, y) -> tuple[np.ndarray, np.ndarray]:
        """Percentile ranks of a sample of these customers, and what they spent more than the mean of it."""
        values, outcome = np.asarray(X, dtype=np.float64), np.asarray(y)
        rows = np.random.default_rng(self.seed).permutation(len(values))[:LEARNING_ROWS]
        return PercentileRanks(self.seed).fit(values).transform(values[rows]), outcome[rows] - outcome.mean()

    def _predict(self, ranks: np.ndarray) -> np.ndarray:
        with threadpool_limits(1):
            by_ridge = self.even_.predict(ranks)
        if self.steps_ is None:
            return by_ridge
        return (by_ridge + self.steps_.predict(ranks)) / 2  # trees: a row is one thread's

    def transform(self, X) -> np.ndarray:
        check_is_fitted(self)
        values = validate_data(self, X, dtype=np.float64, reset=False)
        forecast = self._predict(self.ranks_.transform(values))
        return np.column_stack([np.asarray(self.beside_.transform(X)), self.factor_ * forecast])

    def __setstate__(self, state):
        """Restore a stored transformer; before 0.2 the ranks were called places."""
        super().__setstate__(
            {"ranks_" if name == "places_" else name: value for name, value in state.items()}
        )

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        own = getattr(self, "column_", "outlook")  # as models that were stored before 0.2 call it
        return np.asarray([*self.beside_.get_feature_names_out(), own], dtype=object)


Outlook = Forecast  # the name in models that were stored before 0.2
