"""Boosted trees, one ensemble for buying and one for the value of what is bought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from segmentation.modelling.forecasters.base import Array, Flags, Sample, Today, TooYoungError
from segmentation.modelling.forecasters.two_parts import TwoParts
from segmentation.modelling.forecasters.views import View
from segmentation.modelling.threads import one_thread
from segmentation.modelling.trees import DEPTH, Trees

TREES = {
    "max_depth": DEPTH,
    "max_iter": 50,  # 80 in smaller steps foretell no more
    "learning_rate": 0.11,
    "early_stopping": False,
    "min_samples_leaf": 30,
}
LEAST_ROWS = 2_000


@dataclass(frozen=True)
class Boosted:
    """Trees of the two parts."""

    buying: Trees
    value: Trees

    def probability(self, view: View) -> Array:
        return expit(self.buying.sums(view.rank_columns))

    def log_value(self, view: View) -> Array:
        return self.value.sums(view.columns)


def learn(view: View, bought: Flags, log_value: Array, seed: int) -> Boosted:
    """Fit both: `log_value` is that of the buyers."""
    with one_thread():  # the same sums whatever the machine
        buying = HistGradientBoostingClassifier(**TREES, random_state=seed)
        value = HistGradientBoostingRegressor(**TREES, random_state=seed)
        return Boosted(
            Trees.of(buying.fit(view.ranks, bought)),
            Trees.of(value.fit(view.matrix[bought], log_value)),
        )


def boosted(samples: Sequence[Sample], today: Today, days: int, seed: int) -> TwoParts:
    """Two boosted parts, learned from samples of several dates.

    Raises
    ------
    TooYoungError
        Too few customers in the samples: trees learn what is chance in a small shop.
    """
    if sum(len(sample.customers) for sample in samples) < LEAST_ROWS:
        raise TooYoungError(f"trees need {LEAST_ROWS:,} customers to learn from, of all dates together")
    return TwoParts.learned(learn, samples, today, days, seed)
