"""The mean of several forecasters: of log odds, and of the logarithms of spend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from segmentation.modelling.forecasters.base import Array, Expectation

CERTAIN = 1e-3  # no probability is nearer to 0 or 1
LEAST_SPEND = 1e-2


def blended(parts: Sequence[Expectation]) -> Expectation:
    """The mean of expectations: where one is far off it sways the others little."""
    odds = np.asarray(np.mean([logit(certain(part.probability)) for part in parts], axis=0))
    spend = np.asarray(np.mean([np.log(part.spend + LEAST_SPEND) for part in parts], axis=0))
    return Expectation(expit(odds), np.maximum(np.exp(spend) - LEAST_SPEND, 0.0))


def certain(probability: Array) -> Array:
    """Probabilities whose log odds are finite."""
    return np.clip(probability, CERTAIN, 1 - CERTAIN)
