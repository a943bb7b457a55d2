"""The gamma-gamma model of what an order is worth (Fader, Hardie 2013, "The gamma-gamma model of monetary value")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

Array = NDArray[np.float64]
START = (0.5, 1.0, 0.0)
BOUNDS = ((-4.0, 6.0), (0.05, 6.0), (-8.0, 8.0))


@dataclass(frozen=True)
class GammaGamma:
    """The fitted model: an order's value is gamma with shape `p`, its rate among customers gamma (`q`, `gamma`).

    The mean order of a customer who is not known is p gamma / (q - 1), which needs q > 1.
    """

    p: float
    q: float
    gamma: float

    @classmethod
    def fit(cls, orders: ArrayLike, value: ArrayLike) -> GammaGamma:
        """Maximise the likelihood of the mean `value` of each customer's `orders`, both above zero.

        Raises
        ------
        ValueError
            Fewer than two customers, or all orders of one value: there is nothing to learn.
        """
        orders, value = np.asarray(orders, dtype=np.float64), np.asarray(value, dtype=np.float64)
        if len(value) < 2 or np.ptp(value) == 0:
            raise ValueError("orders of two customers with different values are needed")
        unit = float(np.exp(np.log(value).mean()))

        def model(logs: Array) -> GammaGamma:
            p, q, gamma = np.exp(logs)
            return cls(float(p), float(q), float(gamma))

        def loss(logs: Array) -> tuple[float, Array]:
            likelihood, slope = model(logs).mean_likelihood(orders, value / unit)
            return -likelihood, -slope

        fitted = model(minimize(loss, START, method="L-BFGS-B", jac=True, bounds=BOUNDS).x)
        return cls(fitted.p, fitted.q, fitted.gamma * unit)

    def log_likelihood(self, orders: Array, value: Array) -> Array:
        """The logarithm of each customer's likelihood: equation 1a of the note."""
        shape = self.p * orders
        return (
            gammaln(shape + self.q)
            - gammaln(shape)
            - gammaln(self.q)
            + self.q * np.log(self.gamma)
            + (shape - 1) * np.log(value)
            + shape * np.log(orders)
            - (shape + self.q) * np.log(self.gamma + orders * value)
        )

    def mean_likelihood(self, orders: Array, value: Array) -> tuple[float, Array]:
        """The mean of `log_likelihood`, and its slope by the logarithm of p, q, gamma."""
        shape, total = self.p * orders, self.gamma + orders * value
        both, spent = digamma(shape + self.q), np.log(total)
        by_p = orders * (both - digamma(shape) + np.log(value) + np.log(orders) - spent)
        by_q = both - digamma(self.q) + np.log(self.gamma) - spent
        by_gamma = self.q / self.gamma - (shape + self.q) / total
        slopes = np.array([by_p.mean(), by_q.mean(), by_gamma.mean()])
        return float(self.log_likelihood(orders, value).mean()), slopes * [self.p, self.q, self.gamma]

    def mean(self, orders: Array, value: Array) -> Array:
        """The mean value of an order to expect of each customer: equation 5, their own mean drawn to everybody's."""
        return self.p * (self.gamma + orders * value) / (self.p * orders + self.q - 1)


def simulate(model: GammaGamma, orders: ArrayLike, rng: np.random.Generator) -> Array:
    """The mean value of each customer's `orders`, for known parameters."""
    counts = np.asarray(orders, dtype=np.float64)
    rates = rng.gamma(model.q, 1 / model.gamma, len(counts))
    return rng.gamma(model.p * counts, 1 / (rates * counts))
