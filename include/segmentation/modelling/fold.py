"""The model in use without the segments that have become too small: their customers go to the nearest other one.

A segment that is a customer short of the least share used to be a reason for another model, which moved a third of all
customers, for a loss, too. This is the reverse of a split: everybody else stays.
"""

from __future__ import annotations

import numpy as np

from segmentation.modelling.labellers import NOISE
from segmentation.modelling.search import Candidate
from segmentation.modelling.settings import ModelSettings


def fold(incumbent: Candidate, settings: ModelSettings) -> tuple[np.ndarray, tuple[float, ...]]:
    """The clusters that the model in use goes on with, and the shares of customers of those that it gives up.

    None are given up where fewer than `settings.k_min` would be left.
    """
    sizes = np.bincount(incumbent.labels[incumbent.labels != NOISE])
    shares = sizes / max(len(incumbent.labels), 1)
    is_small = shares < settings.min_segment_share
    if np.count_nonzero(~is_small) < settings.k_min:
        return np.arange(len(shares)), ()
    return np.flatnonzero(~is_small), tuple(map(float, shares[is_small & (sizes > 0)]))
