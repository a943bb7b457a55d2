"""Names as they were before 0.2, and what they are now: of settings, representations, scores and groups.

Settings of a shop may use the old names for one release; stored models keep them for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SETTINGS = {"judged_rows": "evaluation_rows"}
REPRESENTATIONS = {"outlook": "forecast", "rfm_outlook": "rfm_forecast"}
SCORES = {"neighbours_together": "neighbour_purity"}
GROUPS = {"rhythm": "order_gaps"}


def current_settings(model: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings of a model under today's names, and which old names were replaced by which.

    Raises
    ------
    ValueError
        A setting is given under both names.
    """
    current, replaced = _renamed(model, SETTINGS)
    if isinstance(representations := current.get("representations"), list | tuple):
        replaced |= _old(representations, REPRESENTATIONS)
        current["representations"] = [current_representation(name) for name in representations]
    if isinstance(weights := current.get("weights"), Mapping):
        current["weights"], old = _renamed(weights, SCORES)
        replaced |= old
    return current, replaced


def current_preparation(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings of the preparation with today's groups of features, and which old names were replaced.

    Raises
    ------
    ValueError
        A group has a weight under both names.
    """
    if not isinstance(weights := values.get("group_weights"), Mapping):
        return dict(values), {}
    current, replaced = _renamed(weights, GROUPS)
    return {**values, "group_weights": current}, replaced


def current_representation(name: str) -> str:
    """The representation's name today."""
    return REPRESENTATIONS.get(name, name)


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    replaced = _old(values, names)
    for old, new in replaced.items():
        if new in values:
            raise ValueError(f"{old} is the old name of {new}: give {new} alone")
    return {names.get(name, name): value for name, value in values.items()}, replaced


def _old(values: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    return {name: names[name] for name in values if isinstance(name, str) and name in names}
