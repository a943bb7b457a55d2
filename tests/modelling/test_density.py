"""One tree for DBSCAN at every eps and for the validity of every partition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import minimum_spanning_tree
from sklearn.cluster import DBSCAN, cluster_optics_xi, compute_optics_graph
from sklearn.metrics import adjusted_rand_score, pairwise_distances

from segmentation.modelling.density import (
    dense_groups,
    density_validity,
    reachability_ordering,
    reachability_tree,
)
from segmentation.modelling.labellers import NOISE


@hypothesis_settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 60))
def test_reachability_tree_is_as_short_as_that_of_scipy(seed, n):
    X = np.random.default_rng(seed).normal(size=(n, 2))
    distances = pairwise_distances(X)
    core = np.sort(distances, axis=1)[:, min(5, n - 1)]
    reach = np.maximum(distances, np.maximum(core[:, None], core))
    np.fill_diagonal(reach, 0)
    (ends, others, lengths), _ = reachability_tree(X, 5)
    assert len(lengths) == n - 1
    assert lengths.sum() == pytest.approx(minimum_spanning_tree(reach).sum(), rel=1e-5)
    assert lengths == pytest.approx(reach[ends, others], rel=1e-5)


def test_density_validity_sees_separated_groups_of_any_shape(moons):
    matrix, truth = moons
    X = matrix.to_numpy()
    tree, _ = reachability_tree(X, 5)
    cut = (X[:, 0] > X[:, 0].mean()).astype(int)
    assert density_validity(tree, truth) > 0.2
    assert density_validity(tree, cut) < 0


def test_density_validity_counts_noise_as_customers_without_validity():
    line = np.concatenate([np.linspace(0, 1, 50), np.linspace(9, 10, 50)]).reshape(-1, 1)
    tree, _ = reachability_tree(line, 5)
    truth = np.repeat([0, 1], 50)
    fewer = np.where(np.arange(100) % 50 < 40, truth, NOISE)
    assert density_validity(tree, truth) > 0.9
    assert density_validity(tree, fewer) == pytest.approx(0.8, abs=0.05)


@hypothesis_settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 0.9))
def test_cut_tree_has_the_core_clusters_of_dbscan(seed, quantile):
    X = np.random.default_rng(seed).normal(size=(120, 2))
    tree, core = reachability_tree(X, 4)
    eps = float(np.quantile(core, quantile)) * (1 + 1e-5)  # off the edge of float32
    model = DBSCAN(eps=eps, min_samples=5).fit(X)
    groups = dense_groups(tree, core, eps)
    assert np.flatnonzero(groups != NOISE).tolist() == model.core_sample_indices_.tolist()
    at_core = model.core_sample_indices_
    assert adjusted_rand_score(model.labels_[at_core], groups[at_core]) == 1


@pytest.mark.parametrize("min_samples", [2, 10])
def test_ordering_on_one_matrix_is_that_of_optics_of_scikit_learn(min_samples, moons):
    X = (moons[0].to_numpy() * 1000).round()  # whole numbers: squared distances are exact on any processor
    X = np.concatenate([X, X[:20]])  # some customers twice
    reference = compute_optics_graph(
        X,
        min_samples=min_samples,
        max_eps=np.inf,
        metric="minkowski",
        p=2,
        metric_params=None,
        algorithm="brute",
        leaf_size=30,
        n_jobs=1,
    )
    own = reachability_ordering(X, min_samples)
    for own_column, reference_column in zip(own, reference, strict=True):
        np.testing.assert_array_equal(own_column, reference_column)
    labels = cluster_optics_xi(
        ordering=own[0],
        reachability=own[2],
        predecessor=own[3],
        min_samples=min_samples,
        min_cluster_size=20,
        xi=0.1,
    )[0]
    assert (labels != NOISE).any()
