"""Spectral clustering of the nearest-neighbour graph: one embedding, cut for every k."""

import numpy as np
from scipy.sparse import csr_array
from sklearn.cluster import KMeans
from sklearn.manifold import spectral_embedding
from sklearn.neighbors import kneighbors_graph

from segmentation.modelling.algorithms.base import Algorithm, Fitted, Params, k_trials
from segmentation.modelling.labellers import NeighbourLabeller
from segmentation.modelling.settings import ModelSettings

TITLES = {"en": "spectral clustering", "zh": "谱聚类"}
NEIGHBOURS = 10


def _embedding(X: np.ndarray, settings: ModelSettings) -> np.ndarray:
    """The first k_max eigenvectors of the graph's normalised Laplacian, of shape (n, k_max)."""
    graph = kneighbors_graph(X, min(NEIGHBOURS, len(X) - 1), include_self=True)
    affinity = csr_array(0.5 * (graph + graph.T))
    n_components = min(settings.k_max, len(X) - 2)
    return spectral_embedding(
        affinity, n_components=n_components, random_state=settings.seed, drop_first=False, eigen_tol=1e-6
    )


def _fit(X: np.ndarray, embedding: np.ndarray, params: Params, seed: int) -> Fitted:
    k = params["k"]
    if k > embedding.shape[1]:
        raise ValueError(f"too few customers for {k} clusters")
    model = KMeans(k, n_init=10, random_state=seed).fit(embedding[:, :k])
    return Fitted(NeighbourLabeller(X, model.labels_.astype(np.int64)))


ALGORITHM = Algorithm(
    name="spectral",
    trials=lambda X, settings: k_trials(settings),
    shared=_embedding,
    fit=_fit,
    max_rows=5_000,
    labels_rest="nearest fitted customer",
    confidence="share of the 15 nearest fitted customers that agree",
)
