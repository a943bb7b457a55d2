"""The forecast of a shop too young to learn: BG/NBD for orders, gamma-gamma or the own mean for their value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segmentation.modelling.forecasters.base import Array, Expectation, Sample, Today, TooYoungError
from segmentation.modelling.forecasters.gamma_gamma import GammaGamma

FITTED_ON = 20_000
MOST_RELATED = 0.3  # correlation of frequency and value, above which gamma-gamma does not hold
LEAST_BUYERS = 30


@dataclass(frozen=True)
class Lifetime:
    """Orders by BG/NBD; their value by gamma-gamma, or the customer's own mean where that is None."""

    today: Today
    value: GammaGamma | None
    days: int

    def expect(self, customers: pd.DataFrame) -> Expectation:
        own = customers["spend"].to_numpy() / customers["order_days"].to_numpy()
        value = own
        if self.value is not None:
            value = np.where(
                own > 0, self.value.mean(customers["order_days"].to_numpy(), np.maximum(own, 0.01)), 0.0
            )
        probability, orders = self.today.foreseen(customers, self.days)
        return Expectation(probability, orders * value)


def lifetime(samples: Sequence[Sample], today: Today, days: int, seed: int) -> Lifetime:
    """Take the customers of today: their past is all that the models ask for.

    Raises
    ------
    TooYoungError
        Nobody has come again.
    """
    if today.bgnbd is None:
        raise TooYoungError("no customer has ordered a second time")
    rows = np.random.default_rng(seed).permutation(len(today.customers))[:FITTED_ON]
    return Lifetime(today, _value(today.customers.iloc[np.sort(rows)]), days)


def _value(customers: pd.DataFrame) -> GammaGamma | None:
    count = customers["order_days"].to_numpy(dtype=np.float64)
    value = customers["spend"].to_numpy(dtype=np.float64) / count
    again = (count > 1) & (value > 0)
    if again.sum() < LEAST_BUYERS or _related(np.log(count[again]), np.log(value[again])) > MOST_RELATED:
        return None
    return GammaGamma.fit(count[again], value[again])


def _related(left: Array, right: Array) -> float:
    return 0.0 if left.std() == 0 or right.std() == 0 else float(np.corrcoef(left, right)[0, 1])
