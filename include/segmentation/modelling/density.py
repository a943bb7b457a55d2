"""The minimum spanning tree of mutual reachability: DBSCAN for every eps, and density validity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from sklearn.metrics import pairwise_distances_chunked

from segmentation.modelling.labellers import NOISE

Tree = tuple[np.ndarray, np.ndarray, np.ndarray]

DIGITS = np.finfo(np.float64).precision  # to which scikit-learn rounds, so that ties are ties


def reachability_tree(X: np.ndarray, core_neighbours: int) -> tuple[Tree, np.ndarray]:
    """Minimum spanning tree of the mutual reachability distances, and the core distances.

    The core distance of a row is that to its `core_neighbours`-th nearest other; the mutual
    reachability of two rows is their distance, but at least the core distance of either (Campello,
    Moulavi, Sander 2013). Prim's algorithm on float32 distances: 4 n^2 bytes, time n^2.

    Returns
    -------
    (ends, other ends, lengths), core
        Of the n - 1 edges, each of shape (n - 1,); core of shape (n,), float32.
    """
    return reachability_trees(X, [core_neighbours])[core_neighbours]


def reachability_trees(X: np.ndarray, core_neighbours: Sequence[int]) -> dict[int, tuple[Tree, np.ndarray]]:
    """`reachability_tree` for each of several `core_neighbours`, measuring the distances once."""
    n = len(X)
    distances = np.empty((n, n), dtype=np.float32)
    start = 0
    for block in pairwise_distances_chunked(X, working_memory=64):
        distances[start : start + len(block)] = block
        start += len(block)
    nearest = {count: min(count, n - 1) for count in core_neighbours}
    positions = sorted(set(nearest.values()))
    cores_of_blocks = [
        np.partition(rows, positions, axis=1)[:, positions]
        for rows in np.array_split(distances, n // 500 + 1)
    ]
    cores = dict(zip(positions, np.concatenate(cores_of_blocks).T.copy(), strict=True))
    return {
        count: (_prim(distances, cores[position]), cores[position]) for count, position in nearest.items()
    }


def _prim(distances: np.ndarray, core: np.ndarray) -> Tree:
    n = len(distances)
    shortest = np.full(n, np.inf, dtype=np.float32)
    nearest = np.zeros(n, dtype=np.intp)
    outside = np.ones(n, dtype=bool)
    ends, lengths = np.zeros(n - 1, dtype=np.intp), np.zeros(n - 1)
    reach, closer = np.empty_like(shortest), np.empty_like(outside)  # written over at every step
    new = 0
    for edge in range(n - 1):
        outside[new], shortest[new] = False, np.inf
        np.maximum(distances[new], core, out=reach)
        np.maximum(reach, core[new], out=reach)
        np.less(reach, shortest, out=closer)
        closer &= outside
        np.copyto(shortest, reach, where=closer)
        nearest[closer] = new
        new = int(shortest.argmin())
        ends[edge], lengths[edge] = new, shortest[new]
    return ends, nearest[ends], lengths


def reachability_ordering(X: np.ndarray, min_samples: int) -> tuple[np.ndarray, ...]:
    """The ordering of OPTICS: who is reached next, from whom, and how far that was.

    As `sklearn.cluster.compute_optics_graph` without a largest eps (Ankerst et al. 1999), on one matrix of
    distances: its step of Python a customer takes 0.5 ms or more, mostly to check its arguments.
    8 n^2 bytes.

    Parameters
    ----------
    min_samples : int
        Counts the customer as well.

    Returns
    -------
    ordering, core distances, reachability, predecessor
        Each of shape (n,); what is first is reached from nowhere: infinity and -1.
    """
    distances = cdist(X, X)
    core = np.partition(distances, min_samples - 1, axis=1)[:, min_samples - 1].round(DIGITS)
    reachability, predecessor = np.full(len(X), np.inf), np.full(len(X), -1)
    ordering, done = np.empty(len(X), dtype=int), np.zeros(len(X))
    for place in range(len(X)):
        point = int((reachability + done).argmin())
        ordering[place], done[point] = point, np.inf
        reach = np.maximum(distances[point], core[point]).round(DIGITS)
        closer = (reach < reachability) & (done == 0)
        reachability[closer], predecessor[closer] = reach[closer], point
    return ordering, core, reachability, predecessor


def dense_groups(tree: Tree, core: np.ndarray, eps: float) -> np.ndarray:
    """DBSCAN's clusters of core rows: what is left connected when edges above `eps` are cut.

    Returns
    -------
    ndarray of shape (n,)
        Cluster numbers; -1 for rows whose core distance exceeds `eps`.
    """
    ends, others, lengths = tree
    is_short = lengths <= eps
    graph = coo_array(
        (np.ones(is_short.sum()), (ends[is_short], others[is_short])), shape=(len(core), len(core))
    )
    _, groups = connected_components(graph, directed=False)
    return np.where(core <= eps, groups, NOISE).astype(np.int64)


def density_validity(tree: Tree, labels: np.ndarray) -> float:
    """Density validity: how much sparser it is between clusters than within (DBCV), -1..1.

    Notes
    -----
    A cluster's validity is (separation - sparseness) / the larger of the two, where sparseness is the
    longest edge of the spanning tree inside it and separation the shortest that leaves it for
    another cluster; clusters are weighted by their share of all customers, noise included (Moulavi
    et al. 2014, with the tree of everybody in the place of one a cluster, which makes a
    partition's score cost n). Convex or not, above 0 means separated by a sparser zone. An edge
    between a cluster and noise belongs to neither; a cluster that no edge leaves has the longest
    edge there is as separation.
    """
    first, second, lengths = labels[tree[0]], labels[tree[1]], tree[2]
    clusters = np.unique(labels[labels != NOISE])
    if len(clusters) < 2:
        return float("nan")
    between = (first != second) & (first != NOISE) & (second != NOISE)
    validity = 0.0
    for cluster in clusters:
        inside = lengths[(first == cluster) & (second == cluster)]
        leaving = lengths[between & ((first == cluster) | (second == cluster))]
        sparseness = inside.max() if len(inside) else 0.0
        separation = leaving.min() if len(leaving) else lengths.max()
        larger = max(sparseness, separation)
        validity += (labels == cluster).mean() * ((separation - sparseness) / larger if larger > 0 else 0.0)
    return float(validity)
