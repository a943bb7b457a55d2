"""The definition of an algorithm in the registry, and helpers that entries share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from segmentation.modelling.labellers import NOISE, Labeller
from segmentation.modelling.settings import ModelSettings
from segmentation.modelling.trials import Params, Range


@dataclass(frozen=True)
class Fitted:
    """A fit's way of labelling anybody.

    Attributes
    ----------
    converged : bool
        Whether its iteration came to rest.
    criterion : float
        How good the fit is by the algorithm's own measure, the more the better, comparable among its
        trials only; NaN where it has none. It guides which parameters are tried next, nothing else.
    """

    labeller: Labeller
    converged: bool = True
    criterion: float = float("nan")


@dataclass(frozen=True)
class Algorithm:
    """An entry of the registry.

    Attributes
    ----------
    trials : (X, settings) -> list of parameters, JSON values only
        The whole grid, from the data where that helps. Parameters mean the same on a subsample:
        shares and quantiles, no absolute distances.
    ranges : dict of Range, by parameter
        Parameters that may take values between those of the grid.
    has_criterion : bool
        Whether fits say how good they are; with it, trials beyond a part of the grid are suggested.
    shared : (X, settings) -> anything
        What all trials on X have in common (a tree, an embedding); made once.
    fit : (X, shared, params, seed) -> Fitted
        One trial. May raise: that is recorded as this trial's failure.
    max_rows : int
        Above it a sample is fitted.
    everywhere : bool
        Whether it is fitted on every representation, or on the first only.
    labels_rest, noise, confidence : str
        In words, for the data dictionary.
    """

    name: str
    trials: Callable[[np.ndarray, ModelSettings], list[Params]]
    fit: Callable[[np.ndarray, Any, Params, int], Fitted]
    max_rows: int
    labels_rest: str
    confidence: str
    noise: str = "none: everybody has a cluster"
    ranges: Mapping[str, Range] = field(default_factory=dict)
    has_criterion: bool = False
    everywhere: bool = False
    shared: Callable[[np.ndarray, ModelSettings], Any] = lambda X, settings: None


def k_trials(settings: ModelSettings, **choices: Sequence[Any]) -> list[Params]:
    """Trials with k from k_min to k_max, crossed with further choices."""
    trials: list[Params] = [{"k": k} for k in range(settings.k_min, settings.k_max + 1)]
    for name, values in choices.items():
        trials = [{**trial, name: value} for value in values for trial in trials]
    return trials


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
