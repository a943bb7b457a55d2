"""The Python of the project: plain functions; Airflow only where a module says so.

For an analyst, without Airflow: `open_shop` reads the published tables as frames, and `segment_customers` fits
and chooses on a frame of one's own, without a database.
"""

from importlib import import_module
from typing import Any

_OF_ANALYSTS = {
    "open_shop": "segmentation.analyst.shop",
    "segment_customers": "segmentation.analyst.own_frame",
    "own_algorithm": "segmentation.analyst.own_frame",
}
__all__ = ["open_shop", "own_algorithm", "segment_customers"]  # noqa: F822 (found on first use, since their imports take seconds)


def __getattr__(name: str) -> Any:
    if name in _OF_ANALYSTS:
        return getattr(import_module(_OF_ANALYSTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
