"""BIRCH: a tree of dense balls of a given size, made once; the balls are then put together to k."""

import numpy as np
from scipy.cluster.hierarchy import linkage
from sklearn.cluster import Birch

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, k_trials
from segmentation.modelling.algorithms.linkage import cut
from segmentation.modelling.labellers import NeighbourLabeller
from segmentation.modelling.settings import ModelSettings

TITLES = {"en": "BIRCH", "zh": "BIRCH"}
RADIUS_SHARES = (0.35,)  # of the root mean square distance to the mean
MOST_BALLS = 5_000


def _trials(_X: np.ndarray, settings: ModelSettings) -> list[Params]:
    return k_trials(settings, radius_share=RADIUS_SHARES)


def _balls(X: np.ndarray, _settings: ModelSettings) -> dict[float, tuple[np.ndarray, np.ndarray | None]]:
    """Balls of each radius: their centres, of shape (n_balls, n_columns), and Ward's tree of them."""
    spread = float(np.sqrt(X.var(axis=0).sum()))
    if spread <= 0:
        raise ValueError("all customers are the same")
    balls = {}
    for share in RADIUS_SHARES:
        centres = Birch(threshold=share * spread, n_clusters=None).fit(X).subcluster_centers_
        balls[share] = centres, linkage(centres, "ward") if 2 <= len(centres) <= MOST_BALLS else None
    return balls


def _fit(_X: np.ndarray, balls: dict, params: Params, _seed: int) -> Fitted:
    k, (centres, tree) = params["k"], balls[params["radius_share"]]
    if tree is None or k > len(centres):
        raise ValueError(f"{len(centres)} balls cannot make {k} clusters (at most {MOST_BALLS:,} balls)")
    return Fitted(NeighbourLabeller(centres, cut(tree, k)))


ALGORITHM = Algorithm(
    name="birch",
    trials=_trials,
    shared=_balls,
    fit=_fit,
    max_rows=20_000,
    labels_rest="nearest ball",
    confidence="share of the 15 nearest balls that agree",
)
