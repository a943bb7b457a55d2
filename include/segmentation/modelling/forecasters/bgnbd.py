"""The beta-geometric/NBD model of repeat orders (Fader, Hardie, Lee 2005, "Counting your customers the easy way").

While active a customer orders at a rate of their own (gamma among customers); after each order they leave with
a probability of their own (beta). It needs three numbers a customer: `repeats` (order days after the first),
`last` (days from the first order to the last) and `age` (days from the first order to today).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import betaln, digamma, expit, gammaln, hyp2f1

Array = NDArray[np.float64]
BOUNDS = (-8.0, 8.0)  # of the logarithms of the parameters, time in units of the oldest customer's age
STARTS = ((0.0, 0.0, 0.0, 0.0), (-1.0, -2.0, -0.5, 1.0), (-1.0, 1.0, 0.0, 2.0))
PENALTY = 0.001  # of the mean squared logarithm: some shops do not say which of two alike fits better


@dataclass(frozen=True)
class History:
    """Facts that the model knows of customers: arrays of one length, in days but `repeats`."""

    repeats: Array
    last: Array
    age: Array

    @cached_property
    def distinct(self) -> tuple[Array, NDArray[np.intp]]:
        """The different numbers of repeats, which are few, and which of them each customer has."""
        return np.unique(self.repeats, return_inverse=True)

    @cached_property
    def alike(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """A customer for each pair of repeats and age there is, and whose pair each customer has."""
        pairs = self.repeats * (1 + self.age.max(initial=0)) + self.age
        _, rows, which = np.unique(pairs, return_index=True, return_inverse=True)
        return rows, which

    @classmethod
    def of(cls, repeats: ArrayLike, last: ArrayLike, age: ArrayLike) -> History:
        """The same of any numbers; the age is at least a tenth of a day."""
        arrays = (np.asarray(values, dtype=np.float64) for values in (repeats, last, age))
        often, latest, old = np.broadcast_arrays(*arrays)
        old = np.maximum(old, 0.1)
        return cls(often, np.clip(latest, 0.0, old), old)


@dataclass(frozen=True)
class BetaGeometric:
    """The fitted model: `r` and `alpha` (days) of the rates, `a` and `b` of the chance to leave."""

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fit(cls, history: History) -> BetaGeometric:
        """Maximise the likelihood, from three starts, with a penalty that matters for tiny shops only.

        Raises
        ------
        ValueError
            There is no customer, or nobody has ordered again: nothing can be learned.
        """
        if not history.repeats.size or not history.repeats.any():
            raise ValueError("no customer has ordered a second time: there are no gaps to learn from")
        unit = float(history.age.max())
        weight = PENALTY / (1 + history.repeats.size / 100)
        scaled = History(history.repeats, history.last / unit, history.age / unit)

        def loss(logs: Array) -> tuple[float, Array]:
            likelihood, slope = cls(*np.exp(logs)).mean_likelihood(scaled)
            return weight * float(np.square(logs).mean()) - likelihood, weight * logs / 2 - slope

        fits = [minimize(loss, start, method="L-BFGS-B", jac=True, bounds=[BOUNDS] * 4) for start in STARTS]
        r, alpha, a, b = np.exp(min(fits, key=lambda fit: fit.fun).x)
        return cls(float(r), float(alpha * unit), float(a), float(b))

    def log_likelihood(self, history: History) -> Array:
        """The logarithm of each customer's likelihood: equation 6 of the paper."""
        return self._likelihood(history)[0]

    def mean_likelihood(self, history: History) -> tuple[float, Array]:
        """The mean of `log_likelihood`, and its slope by the logarithm of r, alpha, a, b."""
        likelihood, gone = self._likelihood(history)
        x, (distinct, which) = history.repeats, history.distinct
        left, lived = self.alpha + history.last, self.alpha + history.age
        by_rate = (digamma(self.r + distinct) - digamma(self.r))[which] + np.log(self.alpha)
        by_rate -= gone * np.log(left) + (1 - gone) * np.log(lived)
        by_alpha = self.r / self.alpha - (self.r + x) * (gone / left + (1 - gone) / lived)
        both = (digamma(self.a + self.b) - digamma(self.a + self.b + distinct))[which]
        by_a = both + gone / self.a  # digamma(a + 1) - digamma(a)
        stayed = digamma(self.b + distinct)[which] - gone / (self.b + np.maximum(x, 1) - 1)
        by_b = both + stayed - digamma(self.b)
        slopes = [by_rate.mean(), by_alpha.mean(), by_a.mean(), by_b.mean()]
        return float(likelihood.mean()), np.array(slopes) * [self.r, self.alpha, self.a, self.b]

    def _likelihood(self, history: History) -> tuple[Array, Array]:
        """Logarithms of likelihoods, and the probability that the customer had left when last seen."""
        x, left, lived = history.repeats, self.alpha + history.last, self.alpha + history.age
        distinct, which = history.distinct
        rate = gammaln(self.r + distinct) - gammaln(self.r) + self.r * np.log(self.alpha)
        stays = betaln(self.a, self.b + distinct) - betaln(self.a, self.b)
        leaves = betaln(self.a + 1, self.b + np.maximum(distinct, 1) - 1) - betaln(self.a, self.b)
        active = stays[which] - (self.r + x) * np.log(lived)
        gone = np.where(x > 0, leaves[which] - (self.r + x) * np.log(left), -np.inf)
        return rate[which] + np.logaddexp(active, gone), expit(gone - active)

    def alive(self, history: History) -> Array:
        """The probability that the customer has not left for good."""
        x = np.maximum(history.repeats, 1)
        odds = np.log(self.a) - np.log(self.b + x - 1)
        odds = odds + (self.r + x) * np.log((self.alpha + history.age) / (self.alpha + history.last))
        return np.where(history.repeats > 0, 1 / (1 + np.exp(np.minimum(odds, 700))), 1.0)

    def orders(self, history: History, days: float) -> Array:
        """The order days to expect within so many days: equation 10, after Euler's transformation.

        As printed, its hypergeometric function overflows for customers of many orders.
        """
        x, lived = history.repeats, self.alpha + history.age
        a = self.a if abs(self.a - 1) > 1e-6 else 1 + 1e-6
        rows, which = history.alike  # the function is dear
        share = days / (lived[rows] + days)
        rest = hyp2f1(a + self.b - 1 - self.r, a - 1, a + self.b + x[rows] - 1, share)
        rest = ((1 - share) ** (a - 1) * rest)[which]
        return self.alive(history) * np.maximum((a + self.b + x - 1) / (a - 1) * (1 - rest), 0.0)

    def probability(self, history: History, days: float) -> Array:
        """The probability of an order within so many days: still active, and the rate's gamma is not silent."""
        lived = self.alpha + history.age
        silent = (lived / (lived + days)) ** (self.r + history.repeats)
        return self.alive(history) * (1 - silent)


def simulate(
    model: BetaGeometric, age: ArrayLike, rng: np.random.Generator, after: float = 0.0
) -> tuple[History, Array]:
    """Customers of known parameters: their history of `age` days, and their orders in `after` days more."""
    ages = np.asarray(age, dtype=np.float64)
    rates = rng.gamma(model.r, 1 / model.alpha, len(ages))
    leaving = rng.beta(model.a, model.b, len(ages))
    repeats, last, later = np.zeros(len(ages)), np.zeros(len(ages)), np.zeros(len(ages))
    time, active = np.zeros(len(ages)), np.ones(len(ages), dtype=bool)
    while active.any():
        time[active] += rng.exponential(1 / np.maximum(rates[active], 1e-12))
        is_past, comes = active & (time <= ages), active & (time > ages) & (time <= ages + after)
        repeats[is_past] += 1
        last[is_past] = time[is_past]
        later[comes] += 1
        active &= (time <= ages + after) & (rng.random(len(ages)) >= leaving)
    return History.of(repeats, last, ages), later
