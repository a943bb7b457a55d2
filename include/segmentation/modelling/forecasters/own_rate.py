"""The spend that is usual for each customer in so many days, times the probability that they buy.

The usual spend is the customer's own rate in several windows, in which the newest days count most. Nothing is
learned of it but its level: where values differ much from customer to customer a regression takes too much off
those who spend most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from segmentation.modelling.forecasters.base import Array, Flags, Sample, Today
from segmentation.modelling.forecasters.linear import fitted_buying
from segmentation.modelling.forecasters.two_parts import TwoParts
from segmentation.modelling.forecasters.views import View
from segmentation.modelling.threads import one_thread

LEAST = 1e-4  # of a middle order, as the usual spend


@dataclass(frozen=True)
class OwnRate:
    """A regression for buying; the value of what is bought is proportional to the usual spend."""

    buying: LogisticRegression

    def probability(self, view: View) -> Array:
        with one_thread():
            return self.buying.predict_proba(view.ranks)[:, 1]

    def log_value(self, view: View) -> Array:
        return np.log(np.maximum(view.usual, LEAST))


def learn(view: View, bought: Flags, log_value: Array, seed: int) -> OwnRate:
    """Fit who buys; how many times the usual spend buyers spend is the pair's smearing."""
    return OwnRate(fitted_buying(view, bought))


def own_rate(samples: Sequence[Sample], today: Today, days: int, seed: int) -> TwoParts:
    """Probability of buying, learned from samples of several dates, and the usual spend."""
    return TwoParts.learned(learn, samples, today, days, seed)
