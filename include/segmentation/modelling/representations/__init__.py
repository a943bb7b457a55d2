"""Views of the prepared features in which candidates are fitted.

Stored models name these classes by this package, so it hands them on.
"""

from segmentation.modelling.representations.forecast import Forecast, Outlook
from segmentation.modelling.representations.transformers import (
    FactorWeights,
    GroupSelector,
    PercentileRanks,
    Places,
)

__all__ = ["FactorWeights", "Forecast", "GroupSelector", "Outlook", "PercentileRanks", "Places"]
