"""The mean of several forecasters: of log odds, and of spend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from segmentation.modelling.forecasters.base import Array, Expectation

CERTAIN = 1e-3  # no probability is nearer to 0 or 1


def blended(of: Sequence[Expectation], of_spend: Sequence[Expectation]) -> Expectation:
    """The mean of expectations: of some the log odds, where one that is far off sways the others little, of some
    the spend.
    """
    odds = np.asarray(np.mean([logit(certain(part.probability)) for part in of], axis=0))
    return Expectation(expit(odds), np.asarray(np.mean([part.spend for part in of_spend], axis=0)))


def certain(probability: Array) -> Array:
    """Probabilities whose log odds are finite."""
    return np.clip(probability, CERTAIN, 1 - CERTAIN)
