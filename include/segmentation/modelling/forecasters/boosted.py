"""Boosted trees, one ensemble for buying and one for the value of what is bought."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from segmentation.modelling.forecasters.base import Array, Flags, Sample, Today, TooYoungError
from segmentation.modelling.forecasters.two_parts import TwoParts
from segmentation.modelling.forecasters.views import View
from segmentation.modelling.threads import one_thread

TREES = {
    "max_depth": 3,
    "max_iter": 50,  # 80 in smaller steps foretell no more
    "learning_rate": 0.11,
    "early_stopping": False,
    "min_samples_leaf": 30,
}
LEAST_ROWS = 2_000
BLOCK = 16_384  # customers that are looked at together


@dataclass(frozen=True)
class Boosted:
    """Trees of the two parts."""

    buying: HistGradientBoostingClassifier
    value: HistGradientBoostingRegressor

    def probability(self, view: View) -> Array:
        return _in_blocks(lambda matrix: self.buying.predict_proba(matrix)[:, 1], view.ranks)

    def log_value(self, view: View) -> Array:
        return _in_blocks(self.value.predict, view.money, view.ranks)


def _in_blocks(predict: Callable[[Array], Array], *parts: Array) -> Array:
    """Predict by trees from the columns of all parts, block by block.

    A tree looks at few columns: each is laid out by itself, and a block of them stays near the processor from tree
    to tree. The same to the bit, for half the cost.
    """
    rows = range(0, len(parts[0]), BLOCK)
    blocks = (np.asfortranarray(np.column_stack([part[i : i + BLOCK] for part in parts])) for i in rows)
    return np.concatenate([predict(block) for block in blocks] or [np.empty(0)])


def learn(view: View, bought: Flags, log_value: Array, seed: int) -> Boosted:
    """Fit both: `log_value` is that of the buyers."""
    with one_thread():  # the same sums whatever the machine
        buying = HistGradientBoostingClassifier(**TREES, random_state=seed)
        value = HistGradientBoostingRegressor(**TREES, random_state=seed)
        of_buyers = np.column_stack([view.money, view.ranks])[bought]
        return Boosted(
            buying.fit(view.ranks, bought),
            value.fit(of_buyers, log_value),
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
