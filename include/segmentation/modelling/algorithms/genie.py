"""Genie: single linkage that lets no cluster grow at the cost of the others (Gagolewski 2016).

`genieclust` is licensed under the AGPL, so nothing here requires it: the entry exists where somebody
has installed it (docs/licences.md).
"""

import numpy as np

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, k_trials
from segmentation.modelling.labellers import NeighbourLabeller
from segmentation.modelling.settings import ModelSettings

TITLES = {"en": "Genie", "zh": "Genie"}
REQUIRES = "genieclust"
GINI_THRESHOLDS = (0.1, 0.3, 0.5)


def _trials(_X: np.ndarray, settings: ModelSettings) -> list[Params]:
    return k_trials(settings, gini_threshold=GINI_THRESHOLDS)


def _model(_X: np.ndarray, _settings: ModelSettings) -> object:
    """One estimator for all trials: it keeps the spanning tree of the data it saw last."""
    from genieclust import Genie

    return Genie()


def _fit(X: np.ndarray, model, params: Params, _seed: int) -> Fitted:
    model.set_params(n_clusters=params["k"], gini_threshold=params["gini_threshold"])
    return Fitted(NeighbourLabeller(X, model.fit_predict(X).astype(np.int64)))


ALGORITHM = Algorithm(
    name="genie",
    trials=_trials,
    shared=_model,
    fit=_fit,
    max_rows=8_000,
    labels_rest="nearest labelled customer",
    confidence="share of the 15 nearest labelled customers that agree",
)
