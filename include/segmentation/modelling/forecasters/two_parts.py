"""Forecasts in two parts, learned from the shop's own past: whether somebody buys, and for how much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from segmentation.modelling.forecasters.base import Array, Expectation, Flags, Sample, Today, TooYoungError
from segmentation.modelling.forecasters.views import Lens, View

LEAST_OF_A_KIND = 10  # buyers, and others; with fewer nothing is learned


class Parts(Protocol):
    """A fitted pair."""

    def probability(self, view: View) -> Array: ...

    def log_value(self, view: View) -> Array: ...


Learn = Callable[[View, Flags, Array, int], Parts]


@dataclass(frozen=True)
class TwoParts:
    """The fitted pair, with what turns customers into a view.

    Attributes
    ----------
    smearing : float
        Mean spend of buyers over the mean of exp(log value): Duan 1983.
    """

    parts: Parts
    lens: Lens
    smearing: float

    @classmethod
    def learned(cls, learn: Learn, samples: Sequence[Sample], today: Today, days: int, seed: int) -> TwoParts:
        """Learn from all samples together; each one's ranks are among the customers of its own date."""
        check_enough(samples)
        lens = Lens.of(today, days, seed)
        view, came = lens.learned_from(samples)
        spend, of_buyers = came.spend[came.bought], view.take(came.bought)
        log_value = np.log(np.maximum(spend / lens.unit, 0.01))
        parts = learn(view, came.bought, log_value, seed)
        smearing = spend.sum() / (lens.unit * np.exp(parts.log_value(of_buyers)).sum())
        return cls(parts, lens, float(smearing))

    def expect(self, customers: pd.DataFrame) -> Expectation:
        view = self.lens.view(customers)
        probability = self.parts.probability(view)
        value = self.smearing * self.lens.unit * np.exp(self.parts.log_value(view))
        return Expectation(probability, probability * value)


def check_enough(samples: Sequence[Sample]) -> None:
    """Refuse samples that nothing can be learned from.

    Raises
    ------
    TooYoungError
        Too few bought, or too few did not.
    """
    buyers = int(sum(sample.bought.sum() for sample in samples))
    others = sum(len(sample.bought) for sample in samples) - buyers
    if min(buyers, others) < LEAST_OF_A_KIND:
        raise TooYoungError("too few customers bought, or did not buy, within the horizon")
