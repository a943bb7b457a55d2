"""One regression for the spend itself, of buyers and others together: compound Poisson-gamma (Tweedie 1984).

A customer's spend is the sum of a Poisson number of orders, each gamma, so that nothing is spent with the
probability exp(-rate), rate = 2 sqrt(mean) / dispersion at the power 1.5 (Joergensen, Paes de Souza 1994).
Large customers weigh more in it than in a regression of logarithms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from sklearn.linear_model import TweedieRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from segmentation.modelling.forecasters.base import Array, Expectation, Sample, Today
from segmentation.modelling.forecasters.two_parts import check_enough
from segmentation.modelling.forecasters.views import Lens, View
from segmentation.modelling.threads import one_thread

POWER, PENALTY = 1.5, 0.1
LEAST_MEAN, MOST_MEAN = 1e-9, 1e4  # middle orders


@dataclass(frozen=True)
class Tweedie:
    """The fitted mean; `frequency` times the root of the mean is the rate of orders."""

    model: Pipeline
    lens: Lens
    frequency: float

    def expect(self, customers: pd.DataFrame) -> Expectation:
        mean = _mean(self.model, self.lens.view(customers))
        return Expectation(_probability(mean, self.frequency), mean * self.lens.unit)


def _mean(model: Pipeline, view: View) -> Array:
    """The expected spend in middle orders."""
    with one_thread():  # the same sums whatever the machine
        return np.clip(model.predict(view.matrix), LEAST_MEAN, MOST_MEAN)


def _probability(mean: Array, frequency: float) -> Array:
    return -np.expm1(-frequency * np.sqrt(mean))


def tweedie(samples: Sequence[Sample], today: Today, days: int, seed: int) -> Tweedie:
    """Learn from samples of several dates; the dispersion is that with which as many buy as have bought.

    Raises
    ------
    TooYoungError
        Too few bought, or too few did not.
    """
    check_enough(samples)
    lens = Lens.of(today, days, seed)
    view, came = lens.learned_from(samples)
    model = make_pipeline(StandardScaler(), TweedieRegressor(power=POWER, alpha=PENALTY, max_iter=300))
    with one_thread():
        model.fit(view.matrix, came.spend / lens.unit)
    mean, share = _mean(model, view), came.bought.mean()
    frequency = brentq(lambda by: _probability(mean, by).mean() - share, 1e-6, 1e6)
    return Tweedie(model, lens, float(frequency))
