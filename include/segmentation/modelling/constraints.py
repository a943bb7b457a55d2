"""Constraints that a candidate must meet to win."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from segmentation.modelling.search import Candidate
from segmentation.modelling.settings import ModelSettings

DECIMALS = 6  # of scores, in the leaderboard and where they are compared
SHARES = ("coverage", "smallest_share", "largest_share")  # the scores that are looked at


def constraints_violated(
    candidate: Candidate, shares: Mapping[str, float] | pd.Series, settings: ModelSettings
) -> list[str]:
    """Names of the constraints that `candidate` violates, in the order they are looked at.

    `shares` are its scores, of which coverage, smallest and largest share are looked at.
    """
    if candidate.error:
        return ["fit"]
    constraints = {
        "k_min": candidate.k >= settings.k_min,
        "k_max": candidate.k <= settings.k_max,
        "smallest_share": shares["smallest_share"] >= settings.min_segment_share,
        "largest_share": shares["largest_share"] <= settings.max_segment_share,
        "noise_share": 1 - shares["coverage"] <= settings.max_noise_share + 1e-9,
        "convergence": candidate.converged,
        "assignable": candidate.labeller is not None and bool(np.isfinite(candidate.confidence).all()),
    }
    return [name for name, is_met in constraints.items() if not is_met]
