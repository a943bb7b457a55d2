"""Faults that no chance explains: a figure of few rows that is a fault all the same. Pure functions."""

import math

UNLIKELY = 1e-6
"""A night a day for a thousand years has 365,000 nights."""


def explains(share: float, rows: int, bound: float) -> bool:
    """True where a share of so many rows may be beyond its bound by chance, where its true value is the bound.

    By the bound of Chernoff on the tail of a binomial: at most exp(-n KL(share || bound)).
    """
    return math.exp(-rows * _divergence(share, bound)) > UNLIKELY


def _divergence(share: float, bound: float) -> float:
    """Kullback and Leibler's divergence of two Bernoulli distributions, in nats."""
    parts = ((share, bound), (1 - share, 1 - bound))
    if any(part > 0 and expected <= 0 for part, expected in parts):
        return math.inf
    return sum(part * math.log(part / expected) for part, expected in parts if part > 0)
