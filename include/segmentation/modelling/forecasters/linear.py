"""Linear forecasts: logistic regression on percentile ranks for buying, ridge regression for the value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sklearn.linear_model import LogisticRegression, RidgeCV

from segmentation.modelling.forecasters.base import Array, Flags, Sample, Today
from segmentation.modelling.forecasters.two_parts import TwoParts
from segmentation.modelling.forecasters.views import View
from segmentation.modelling.threads import one_thread

INVERSE_PENALTY = 0.05
RIDGES = tuple(10.0**power for power in range(-1, 4))


@dataclass(frozen=True)
class Linear:
    """Coefficients of the two parts."""

    buying: LogisticRegression
    value: RidgeCV

    def probability(self, view: View) -> Array:
        with one_thread():
            return self.buying.predict_proba(view.ranks)[:, 1]

    def log_value(self, view: View) -> Array:
        with one_thread():
            return self.value.predict(view.matrix)


def learn(view: View, bought: Flags, log_value: Array, seed: int) -> Linear:
    """Fit both: `log_value` is that of the buyers."""
    buying = fitted_buying(view, bought)
    with one_thread():
        value = RidgeCV(alphas=RIDGES).fit(view.matrix[bought], log_value)
    return Linear(buying, value)


def fitted_buying(view: View, bought: Flags) -> LogisticRegression:
    """Fit who buys; once a view, for all who ask."""
    if "buying" not in view.learned:
        with one_thread():  # the same sums whatever the machine
            fitted = LogisticRegression(C=INVERSE_PENALTY, max_iter=500).fit(view.ranks, bought)
        view.learned["buying"] = fitted
    return view.learned["buying"]


def linear(samples: Sequence[Sample], today: Today, days: int, seed: int) -> TwoParts:
    """Two linear parts, learned from samples of several dates."""
    return TwoParts.learned(learn, samples, today, days, seed)
