"""What an entry of the registry says about an algorithm, and helpers that entries share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from segmentation.modelling.labellers import NOISE, Labeller
from segmentation.modelling.settings import ModelSettings

Params = dict[str, Any]


@dataclass(frozen=True)
class Fitted:
    """A fit's way of labelling anybody, and whether its iteration came to rest."""

    labeller: Labeller
    converged: bool = True


@dataclass(frozen=True)
class Algorithm:
    """An entry of the registry.

    Attributes
    ----------
    trials : (X, settings) -> list of parameters, JSON values only
        The whole grid, from the data where that helps; thinned to the budget afterwards.
        Parameters mean the same on a subsample: shares and quantiles, no absolute distances.
    shared : (X, settings) -> anything
        What all trials on X have in common (a tree, an embedding); made once.
    fit : (X, shared, params, seed) -> Fitted
        One trial. May raise: that is recorded as this trial's failure.
    max_rows : int
        Above it a sample is fitted.
    labels_rest, noise, confidence : str
        In words, for the data dictionary and the report.
    """

    name: str
    title: str
    trials: Callable[[np.ndarray, ModelSettings], list[Params]]
    fit: Callable[[np.ndarray, Any, Params, int], Fitted]
    max_rows: int
    labels_rest: str
    confidence: str
    noise: str = "none: everybody has a cluster"
    shared: Callable[[np.ndarray, ModelSettings], Any] = lambda X, settings: None


def k_trials(settings: ModelSettings, **choices: Sequence[Any]) -> list[Params]:
    """k from k_min to k_max, crossed with further choices."""
    trials: list[Params] = [{"k": k} for k in range(settings.k_min, settings.k_max + 1)]
    for name, values in choices.items():
        trials = [{**trial, name: value} for value in values for trial in trials]
    return trials


def thin(trials: list[Params], budget: int) -> list[Params]:
    """`budget` trials evenly spread over the grid, first and last included."""
    if len(trials) <= budget:
        return trials
    return [trials[i] for i in np.unique(np.linspace(0, len(trials) - 1, budget).round().astype(int))]


def require_clusters(labels: np.ndarray) -> np.ndarray:
    """`labels`, unless everything is noise.

    Raises
    ------
    ValueError
        No cluster was found.
    """
    if (labels == NOISE).all():
        raise ValueError("everything is noise")
    return labels
