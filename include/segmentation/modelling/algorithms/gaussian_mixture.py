"""Gaussian mixture of four covariance types: elliptical segments, posterior probabilities as confidence."""

import numpy as np
from sklearn.mixture import GaussianMixture

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, k_trials
from segmentation.modelling.labellers import MixtureLabeller
from segmentation.modelling.settings import ModelSettings

TITLES = {"en": "Gaussian mixture", "zh": "高斯混合"}
ROWS_PER_PARAMETER = 2  # full covariances only where each of their entries has this many rows


def _trials(X: np.ndarray, settings: ModelSettings) -> list[Params]:
    rows, columns = X.shape
    full = [
        trial
        for trial in k_trials(settings, covariance=["full"])
        if trial["k"] * columns * (columns + 1) / 2 * ROWS_PER_PARAMETER <= rows
    ]
    return full + k_trials(settings, covariance=["tied", "diag", "spherical"])


def _fit(X: np.ndarray, _shared: None, params: Params, seed: int) -> Fitted:
    model = GaussianMixture(
        params["k"],
        covariance_type=params["covariance"],
        reg_covar=1e-4 * float(X.var(axis=0).mean()) + 1e-12,
        n_init=1,
        max_iter=200,
        random_state=seed,
    ).fit(X)
    return Fitted(MixtureLabeller(model), bool(model.converged_), criterion=-model.bic(X) / len(X))


ALGORITHM = Algorithm(
    name="gaussian_mixture",
    trials=_trials,
    fit=_fit,
    everywhere=True,
    max_rows=20_000,
    has_criterion=True,  # BIC
    labels_rest="highest posterior probability",
    confidence="posterior probability",
)
