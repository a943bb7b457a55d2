"""The three quality gates: sources, features, segments. See `gates`."""

from segmentation.quality.gates import check_cleaning, check_features, check_segments, check_sources
from segmentation.quality.results import GateResult, Result

__all__ = ["GateResult", "Result", "check_cleaning", "check_features", "check_segments", "check_sources"]
