"""Each score against its definition, or against whoever computes it one by one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    calinski_harabasz_score,
    completeness_score,
    davies_bouldin_score,
    homogeneity_score,
    normalized_mutual_info_score,
    roc_auc_score,
    silhouette_score,
)

from segmentation.modelling.labellers import NOISE, CentreLabeller, NeighbourLabeller
from segmentation.modelling.scores import geometry
from segmentation.modelling.scores.agreement import consensus, external
from segmentation.modelling.scores.geometry import (
    described,
    mixture_gain,
    near_neighbour_dunn,
    neighbour_purity,
    silhouettes,
    variance_scores,
)
from segmentation.modelling.scores.prediction import Snapshot, _auc, explainability, predictive
from segmentation.modelling.scores.separation import separation
from segmentation.modelling.scores.table import ADDED_BY_THE_CHOICE, COSTLY, DEFINITIONS, costly, score
from segmentation.modelling.search import Candidate, fit_algorithm
from segmentation.modelling.settings import ModelSettings
from tests.modelling.conftest import customers

SETTINGS = ModelSettings(k_min=2, k_max=5, stability_draws=1)


def candidate(labels: np.ndarray, name: str = "made", **changes) -> Candidate:
    """A candidate with these labels and nothing else."""
    found = labels[labels != NOISE]
    blank = Candidate(
        name, "made", {}, k=len(np.unique(found)), labels=labels, confidence=np.ones(len(labels))
    )
    return replace(blank, converged=True, **changes)


def random_partitions(seed: int, n: int, many: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(-1, rng.integers(2, 8), n) for _ in range(many)]


@hypothesis_settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(12, 90), st.integers(1, 6))
def test_silhouettes_of_all_in_one_pass_are_those_of_scikit_learn(seed, n, columns):
    X = np.random.default_rng(seed).normal(size=(n, columns)) * 100 + 1e4
    partitions = random_partitions(seed, n, 5)
    for labels, width in zip(partitions, silhouettes(X, partitions), strict=True):
        kept = labels != NOISE
        if 2 <= len(np.unique(labels[kept])) < kept.sum():
            assert width == pytest.approx(silhouette_score(X[kept], labels[kept]), abs=1e-5)


def test_silhouettes_of_partitions_that_share_clusters_are_those_of_scikit_learn():
    rng = np.random.default_rng(4)
    X = np.concatenate([rng.normal(scale=0.01, size=(300, 3)), rng.normal(size=(301, 3)) + 1e3])
    tree = linkage(X, "ward")  # of two groups so far apart that little is left of the digits
    cuts = [fcluster(tree, k, criterion="maxclust") - 1 for k in (2, 3, 4, 7, 12)]
    partitions = [*cuts, cuts[0], np.where(cuts[2] == 1, NOISE, cuts[2])]
    for labels, width in zip(partitions, silhouettes(X, partitions), strict=True):
        kept = labels != NOISE
        assert width == pytest.approx(silhouette_score(X[kept], labels[kept]), abs=1e-5)


def test_silhouettes_do_not_depend_on_the_size_of_a_block(monkeypatch, blobs):
    matrix, truth = blobs
    whole = silhouettes(matrix.to_numpy(), [truth])
    monkeypatch.setattr(geometry, "BLOCK_BYTES", 8 * len(truth) * 7)
    assert silhouettes(matrix.to_numpy(), [truth]) == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize(
    "labels",
    [
        [0, 0, 0, 0],  # one cluster
        [0, 1, 2, 3],  # everybody alone
        [NOISE] * 4,  # nobody
        [0, 0, NOISE, NOISE],  # one cluster beside noise
    ],
)
def test_geometry_of_what_is_no_partition_is_undefined(labels):
    labels, X = np.array(labels), np.arange(8.0).reshape(4, 2)
    assert np.isnan(silhouettes(X, [labels])).all()
    assert np.isnan(variance_scores(X, labels)).all()


def test_nothing_to_score_gives_no_silhouettes():
    assert silhouettes(np.zeros((3, 1)), []) == []


@hypothesis_settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 80))
def test_variance_scores_are_those_of_scikit_learn(seed, n):
    X = np.random.default_rng(seed).normal(size=(n, 3))
    for labels in random_partitions(seed, n, 3):
        kept = labels != NOISE
        if 2 <= len(np.unique(labels[kept])) < kept.sum():
            expected = (
                calinski_harabasz_score(X[kept], labels[kept]),
                davies_bouldin_score(X[kept], labels[kept]),
            )
            assert variance_scores(X, labels) == pytest.approx(expected, rel=1e-6)


def test_described_is_the_share_of_variance_between_segments_adjusted_for_their_number():
    X = np.array([[0.0], [2.0], [10.0], [12.0], [20.0], [22.0]])
    labels = np.array([0, 0, 1, 1, 2, 2])
    assert described(X, labels) == pytest.approx(1 - (6 / X.var() / 6) * 5 / 3)
    halves = np.array([0, 0, 1, 1, -1, -1])
    assert described(X, halves) < described(X, labels)
    at_random = [
        described(np.random.default_rng(n).normal(size=(60, 4)), np.arange(60) % 10) for n in range(50)
    ]
    assert abs(np.mean(at_random)) < 0.02
    assert np.isnan(described(X, np.zeros(6, dtype=int)))
    assert np.isnan(described(X * 0, labels))


def near(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return geometry._near_neighbours(X)


def test_near_neighbour_dunn_by_hand():
    # on a line, all are neighbours: within are four distances of 1, between these eight
    X = np.array([[0.0], [1.0], [3.0], [4.0]])
    distances, neighbours = near(X)
    labels = np.array([0, 0, 1, 1])
    between = np.sort([3, 4, 2, 3, 3, 2, 4, 3])
    weights = np.exp(-0.5 * (np.arange(8) / 5) ** 2)
    assert near_neighbour_dunn(distances, neighbours, labels) == pytest.approx(
        between @ weights / weights.sum() / 1.0
    )


def test_near_neighbour_dunn_prefers_the_truth_to_a_split_and_to_a_merger(blobs):
    matrix, truth = blobs
    near_all = near(matrix.to_numpy())
    split = np.where((truth == 0) & (np.arange(len(truth)) % 2 == 0), 4, truth)
    value = {
        name: near_neighbour_dunn(*near_all, lab) for name, lab in {"truth": truth, "split": split}.items()
    }
    assert value["truth"] > 2 * value["split"]


def test_near_neighbour_dunn_ignores_noise_and_needs_two_clusters(blobs):
    matrix, truth = blobs
    near_all = near(matrix.to_numpy())
    assert np.isnan(near_neighbour_dunn(*near_all, np.zeros(len(truth), dtype=int)))
    assert np.isnan(near_neighbour_dunn(*near_all, np.where(truth == 0, 0, NOISE)))


def test_mixture_gain_is_positive_for_overlapping_groups_and_negative_for_a_cut_cloud():
    X, truth = make_blobs([300, 300], centers=[[0, 0], [4, 0]], random_state=0)
    cloud = np.random.default_rng(0).uniform(size=(200, 4))
    assert mixture_gain(X, truth) > 0.1
    assert mixture_gain(cloud, np.arange(200) % 8) < 0
    assert np.isnan(mixture_gain(X, np.zeros(600, dtype=int)))


def test_separation_is_highest_at_the_number_of_groups_that_touch():
    centres = [[4 * x, 4 * y + 2 * (x % 2)] for x in range(4) for y in range(3)]
    X, truth = make_blobs([100] * 12, centers=centres, random_state=0)
    by_k = {k: separation(X, KMeans(k, n_init=3, random_state=0).fit_predict(X)) for k in (4, 8, 12, 16)}
    assert max(by_k, key=by_k.get) == 12
    assert by_k[12] == pytest.approx(separation(X, truth), abs=0.1)


def test_separation_of_a_cut_cloud_is_small_and_of_far_groups_one():
    cloud = np.random.default_rng(0).normal(size=(1000, 4))
    assert separation(cloud, (cloud[:, 0] > 0).astype(int)) < 0.1
    far, truth = make_blobs([100, 100], centers=[[0, 0], [40, 0]], random_state=0)
    assert separation(far, truth) > 0.99
    assert separation(far * [1, 0], truth) > 0.99  # a column that says nothing
    assert np.isnan(separation(cloud, np.zeros(1000, dtype=int)))


def test_separation_of_groups_of_one_point_and_of_the_same_place():
    X = np.repeat([[0.0, 0.0], [1.0, 0.0]], 5, axis=0)
    assert separation(X, np.repeat([0, 1], 5)) == pytest.approx(1)
    assert separation(X * 0, np.repeat([0, 1], 5)) == 0


def test_explainability_is_high_for_boxes_and_low_for_chance(blobs):
    matrix, truth = blobs
    chance = np.random.default_rng(0).integers(0, 4, len(truth))
    assert explainability(matrix.to_numpy(), truth, 0) > 0.95
    assert explainability(matrix.to_numpy(), chance, 0) < 0.5


def by_column(X: np.ndarray) -> Candidate:
    """Two segments by the sign of the only column."""
    return candidate(np.zeros(1, dtype=int), labeller=CentreLabeller(np.array([[-1.0], [1.0]])))


def test_predictive_scores_are_one_where_membership_decides():
    X = np.repeat([[-1.0], [1.0]], 100, axis=0)
    told = predictive(by_column(X), Snapshot(X, np.where(X[:, 0] > 0, 50.0, 0.0)), seed=0)
    assert told == pytest.approx(
        {"predictive": 1.0, "predictive_error": 0.0, "predictive_auc": 1.0, "predictive_auc_error": 0.0}
    )


def test_predictive_scores_of_chance_are_about_none():
    X = np.repeat([[-1.0], [1.0]], 500, axis=0)
    spend = np.random.default_rng(0).integers(0, 2, 1000) * 30.0
    told = predictive(by_column(X), Snapshot(X, spend), seed=0)
    assert abs(told["predictive"]) < 0.03
    assert abs(told["predictive_auc"] - 0.5) < 0.06


def test_errors_of_predictive_scores_are_those_of_other_samples():
    """The stated standard error of one sample, beside the spread over two hundred."""
    numbers = np.random.default_rng(4)
    found = []
    for _ in range(200):
        X = np.repeat([[-1.0], [1.0]], 150, axis=0)
        spend = np.where(
            numbers.random(300) < np.where(X[:, 0] > 0, 0.6, 0.2), numbers.lognormal(3, 1, 300), 0
        )
        found.append(predictive(by_column(X), Snapshot(X, spend), seed=0))
    table = pd.DataFrame(found)
    for name in ("predictive", "predictive_auc"):
        assert table[f"{name}_error"].mean() == pytest.approx(table[name].std(), rel=0.25)


def test_a_labeller_that_remembers_customers_does_not_foresee_what_they_did_since():
    numbers = np.random.default_rng(5)
    traits, bought = (
        numbers.normal(size=(400, 6)),
        numbers.random(400) < 0.5,
    )  # by chance: nothing foretells it
    then = np.column_stack([traits, np.zeros(400)])
    today = np.column_stack([traits, 0.1 * bought])
    spend = np.where(bought, 50.0, 0.0)
    remembers = replace(candidate(bought.astype(int)), labeller=NeighbourLabeller(today, bought.astype(int)))
    assert predictive(remembers, Snapshot(then, spend), seed=0)["predictive"] == pytest.approx(1)
    assert predictive(remembers, Snapshot(then, spend, today), seed=0)["predictive"] < 0.05
    narrow = replace(
        remembers, labeller=NeighbourLabeller(today, np.zeros(400, dtype=int), radius=1e-6)
    )  # whoever has nobody else within the radius is noise, with all others
    assert predictive(narrow, Snapshot(then, spend, today), seed=0)["predictive"] == pytest.approx(
        0, abs=0.02
    )
    centres = replace(remembers, labeller=CentreLabeller(then[:2]))  # remembers nobody
    told = predictive(centres, Snapshot(then, spend), seed=0)
    assert predictive(centres, Snapshot(then, spend, today), seed=0) == told


def test_predictive_scores_are_absent_where_nobody_bought():
    X = np.repeat([[-1.0], [1.0]], 10, axis=0)
    assert np.isnan(list(predictive(by_column(X), Snapshot(X, np.zeros(20)), seed=0).values())).all()
    assert np.isnan(list(predictive(by_column(X), Snapshot(X[:3], np.ones(3)), seed=0).values())).all()


def test_incumbent_of_another_preparation_is_scored_on_its_own_snapshot(blobs):
    matrix, truth = blobs
    X = np.repeat([[-1.0], [1.0]], 90, axis=0)
    spend = np.where(X[:, 0] > 0, 50.0, 0.0)
    old = replace(by_column(X), labels=truth, algorithm="incumbent")
    today, then = Snapshot(matrix.to_numpy(), spend), Snapshot(X, spend)
    assert score([old], matrix, SETTINGS, snapshots={"all": today})["predictive"].isna().all()
    used = replace(old, representation="incumbent")
    table = score([used], matrix, SETTINGS, snapshots={"all": today, "incumbent": then})
    assert table["predictive"].tolist() == [1.0]


def test_score_has_a_defined_column_for_each_of_its_arguments(blobs):
    matrix, truth = blobs
    fitted = fit_algorithm("kmeans", matrix, SETTINGS)
    snapshot = Snapshot(matrix.to_numpy(), np.where(truth == 0, 10.0, 0.0))
    table = score(fitted, matrix, SETTINGS, incumbent=truth, truth=truth, snapshots={"all": snapshot})
    assert list(table.columns) == [name for name in DEFINITIONS if name not in ADDED_BY_THE_CHOICE]
    assert table.index.tolist() == [c.name for c in fitted]
    assert table.loc["kmeans k=4", ["agreement_incumbent", "external_ari", "predictive"]].tolist() == [
        1,
        1,
        1,
    ]
    assert (table.loc["kmeans k=4"].filter(like="external_") == 1).all()
    bare = score(fitted, matrix, SETTINGS)
    assert not {"agreement_incumbent", "external_ari", "external_ami", "predictive"} & set(bare)


def test_area_under_the_curve_is_that_of_scikit_learn():
    rng = np.random.default_rng(4)
    for values in (3, 20, 400):
        bought, forecast = rng.integers(0, 2, 400).astype(float), rng.integers(0, values, 400) / values
        assert _auc(bought, forecast) == pytest.approx(roc_auc_score(bought, forecast), abs=1e-12)


def test_what_is_left_out_is_what_the_winner_gets_by_itself(blobs):
    matrix, _ = blobs
    shuffled = matrix.sample(frac=1, random_state=3)
    for found in fit_algorithm("dbscan", shuffled, SETTINGS):
        if not found.error:
            whole = score([found], shuffled, SETTINGS).loc[found.name, list(COSTLY)].to_dict()
            assert costly(found, shuffled, SETTINGS, COSTLY) == pytest.approx(whole, nan_ok=True)


def test_the_past_is_labelled_by_candidates_that_can_win(blobs):
    matrix, truth = blobs
    two, three = fit_algorithm("kmeans", matrix, SETTINGS)[:2]
    snapshot = Snapshot(matrix.to_numpy(), np.where(truth == 0, 10.0, 0.0))
    narrow = SETTINGS.model_copy(update={"k_min": three.k})
    found = score([two, three], matrix, narrow, snapshots={"all": snapshot}, leave_out=["explainability"])
    assert found["predictive"].isna().tolist() == [True, False]
    assert "explainability" not in found
    whole = score([two, three], matrix, SETTINGS, snapshots={"all": snapshot})
    assert whole.loc[three.name, "predictive"] == found.loc[three.name, "predictive"]


def test_true_labels_that_are_unknown_are_left_out(blobs):
    matrix, truth = blobs
    fitted = fit_algorithm("kmeans", matrix, SETTINGS)
    partly = np.where(np.arange(len(truth)) % 3 == 0, -1, truth)
    table = score(fitted, matrix, SETTINGS, truth=partly)
    assert table.loc["kmeans k=4", "external_ari"] == 1
    nobody = score(fitted, matrix, SETTINGS, truth=np.full(len(truth), -1))
    assert nobody["external_ari"].isna().all()


def test_external_scores_are_those_of_scikit_learn_where_the_truth_is_known():
    rng = np.random.default_rng(2)
    truth, labels = rng.integers(-1, 4, 300), rng.integers(-1, 5, 300)
    labels[truth == 2] = 3
    known = truth != NOISE
    assert external(labels, truth) == pytest.approx(
        {
            "external_ari": adjusted_rand_score(truth[known], labels[known]),
            "external_ami": adjusted_mutual_info_score(truth[known], labels[known]),
            "external_nmi": normalized_mutual_info_score(truth[known], labels[known]),
            "external_homogeneity": homogeneity_score(truth[known], labels[known]),
            "external_completeness": completeness_score(truth[known], labels[known]),
        }
    )


def test_failed_candidates_have_no_scores(blobs):
    failed = Candidate("broken", "kmeans", {}, error="ValueError: no")
    assert score([failed], blobs[0], SETTINGS).empty


def test_noise_is_left_out_and_its_coverage_said(blobs):
    matrix, truth = blobs
    noisy = truth.copy()
    noisy[::10] = NOISE
    table = score([candidate(noisy)], matrix, SETTINGS)
    assert table["coverage"].item() == pytest.approx(0.9)
    kept = noisy != NOISE
    assert table["silhouette"].item() == pytest.approx(silhouette_score(matrix[kept], noisy[kept]), abs=1e-5)


def test_order_of_rows_changes_no_score(blobs):
    matrix, truth = blobs
    order = np.random.default_rng(0).permutation(len(truth))
    one = score([candidate(truth)], matrix, SETTINGS, truth=truth)
    other = score([candidate(truth[order])], matrix.iloc[order], SETTINGS, truth=truth[order])
    assert one.equals(other)


def test_large_data_are_scored_on_the_same_sample_for_all():
    X, truth = make_blobs(3000, centers=4, cluster_std=1.5, random_state=2)
    whole = ModelSettings(score_rows=3000)
    part = ModelSettings(score_rows=800)
    made = [candidate(truth, "one"), candidate(truth, "two")]
    sampled, exact = score(made, customers(X), part), score(made, customers(X), whole)
    assert sampled.loc["one"].equals(sampled.loc["two"])
    assert sampled["silhouette"].tolist() == pytest.approx(exact["silhouette"].tolist(), abs=0.03)
    assert sampled["smallest_share"].tolist() == exact["smallest_share"].tolist()


@pytest.mark.parametrize("values", [np.zeros((1, 2)), np.zeros((40, 2))])
def test_one_customer_or_all_the_same_can_be_scored(values):
    table = score([candidate(np.zeros(len(values), dtype=int))], customers(values), SETTINGS)
    assert table["silhouette"].isna().all()
    assert table["coverage"].tolist() == [1.0]


def test_error_of_a_sampled_silhouette_is_stated_and_covers_the_whole():
    X, labels = make_blobs(3_000, centers=4, cluster_std=2.5, random_state=3)
    made = candidate(labels)
    whole = score([made], X, SETTINGS).loc["made"]
    assert whole["silhouette_error"] == 0
    sampled = score([made], X, SETTINGS.model_copy(update={"score_rows": 400})).loc["made"]
    assert 0 < sampled["silhouette_error"] < 0.03
    assert abs(sampled["silhouette"] - whole["silhouette"]) < 3 * sampled["silhouette_error"]


def test_consensus_is_the_mean_over_algorithms_of_mean_agreement():
    rng = np.random.default_rng(0)
    made = [rng.integers(0, k, 200) for k in (2, 3, 4, 5)]
    made.append(made[0])
    algorithms = ["a", "a", "b", "b", "c"]
    told = consensus(made, algorithms)
    agreed = [adjusted_rand_score(made[0], other) for other in made]
    assert told[0] == pytest.approx(np.mean([agreed[1], np.mean(agreed[2:4]), agreed[4]]))
    assert consensus(made, ["a", "a", "b", "b", "incumbent"])[0] == pytest.approx(
        np.mean([agreed[1], np.mean(agreed[2:4])])
    ), "the model in use has no say in its own favour"
    assert consensus(made, ["a", "a", "b", "b", ""]) == pytest.approx(
        consensus(made, ["a", "a", "b", "b", "incumbent"]), nan_ok=True
    )  # "" has no say either
    assert np.isnan(consensus(made[:1], ["a"])).all()


def test_border_through_a_crowd_parts_neighbours(blobs, moons):
    for (matrix, truth), straight in ((blobs, 0), (moons, 1)):
        X = matrix.to_numpy()
        near = geometry._near_neighbours(X)[1]
        halves = (X[:, straight] > np.median(X[:, straight])).astype(int)
        assert neighbour_purity(near, truth) > 0.9 > neighbour_purity(near, halves)
    shuffled = np.random.default_rng(0).permutation(truth)
    assert neighbour_purity(near, shuffled) < 0.1
    assert np.isnan(neighbour_purity(near, np.zeros(len(truth), dtype=int)))
