"""The registry, the search, and what every algorithm must keep."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import HDBSCAN, AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from segmentation.modelling import algorithms
from segmentation.modelling.algorithms.base import Algorithm, Fitted, k_trials, require_clusters
from segmentation.modelling.labellers import NOISE, CentreLabeller, NeighbourLabeller, Neighbours
from segmentation.modelling.prepare import prepare
from segmentation.modelling.sampling import SearchSample, evaluation_rows
from segmentation.modelling.search import canonical, fit_algorithm, incumbent, stability_of
from segmentation.modelling.settings import ALGORITHMS, ModelSettings, PreparationSettings
from tests.modelling.conftest import Feature, customers

SETTINGS = ModelSettings(k_min=2, k_max=6, stability_draws=2)
QUICK = ModelSettings(k_min=2, k_max=4, stability_draws=0)


@pytest.fixture
def registered(monkeypatch):
    """Registers an algorithm for one test."""

    def register(**entry) -> None:
        words = {"max_rows": 1000, "labels_rest": "", "confidence": ""}
        fake = Algorithm(**{"name": "fake", "trials": lambda X, s: k_trials(s), **words, **entry})
        monkeypatch.setattr(algorithms, "registry", lambda: {"fake": fake})

    return register


def best(candidates, truth) -> float:
    return max(adjusted_rand_score(truth, c.labels) for c in candidates if not c.error)


def test_registry_has_every_algorithm_of_the_settings_and_says_how_each_labels():
    registry = algorithms.registry()
    assert set(registry) == set(ALGORITHMS)
    assert set(algorithms.declarations()) - set(registry) <= {"genie"}  # where it is not installed
    assert all(entry.labels_rest and entry.confidence and entry.noise for entry in registry.values())


NAMED = 'TITLES = {"en": "Mine"}\n'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("ALGORITHM = Algorithm()", "mine.py: TITLES", id="no title"),
        pytest.param(
            'TITLES = {"zh": "我"}\nALGORITHM = Algorithm()', "mine.py: TITLES", id="no English one"
        ),
        pytest.param(
            "TITLES = dict(en=1)\nALGORITHM = 1", "has to be a literal", id="a title that is computed"
        ),
        pytest.param(
            NAMED + "ALGORITHM = Algorithm(name='other')", "'other', not as its file", id="other name"
        ),
    ],
)
def test_module_that_does_not_say_what_it_is_called_is_refused(text, fault, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(f"from types import SimpleNamespace as Algorithm\n{text}\n")
    monkeypatch.setattr(algorithms, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr(algorithms, "__path__", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, f"{algorithms.__name__}.mine", raising=False)
    with pytest.raises(ValueError, match=fault):
        algorithms.declarations.__wrapped__()
        monkeypatch.setattr(algorithms, "names", lambda: ("mine",))
        algorithms.registry.__wrapped__()
    sys.modules.pop(f"{algorithms.__name__}.mine", None)


def test_algorithms_are_known_without_importing_scikit_learn():
    known = "import sys; from segmentation.modelling import settings; print(*settings.ALGORITHMS)"
    told = subprocess.run(
        [sys.executable, "-c", f"{known}; sys.exit('sklearn' in sys.modules or 'numpy' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(algorithms.__file__).parents[3])},
    )
    assert told.stdout.split() == [*ALGORITHMS]


def test_settings_refuse_an_algorithm_that_is_not_there(monkeypatch):
    with pytest.raises(ValueError, match=r"kmean is no algorithm \(there are: .*kmeans"):
        ModelSettings(algorithms=("kmean",))
    missing = algorithms.Declaration({"en": "Far"}, requires="no_such_package")
    monkeypatch.setattr(algorithms, "declarations", lambda: {"far": missing})
    assert algorithms.names() == ()
    with pytest.raises(ValueError, match="far needs no_such_package, which is not installed"):
        ModelSettings(algorithms=("far",))


def test_unknown_algorithm_is_refused_with_those_there_are(blobs):
    with pytest.raises(ValueError, match=r"unknown algorithm 'kmean' .*kmeans"):
        fit_algorithm("kmean", blobs[0], QUICK)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_finds_groups_that_are_well_apart(name, blobs):
    matrix, truth = blobs
    candidates = fit_algorithm(name, matrix, SETTINGS)
    found = [c for c in candidates if not c.error and c.k == 4]
    assert best(found, truth) > 0.95
    assert max(c.stability for c in found) > 0.9


@pytest.mark.parametrize("name", ["dbscan", "hdbscan", "optics", "spectral"])
def test_finds_groups_that_are_not_convex(name, moons):
    matrix, truth = moons
    assert best(fit_algorithm(name, matrix, QUICK), truth) > 0.95


@pytest.mark.parametrize("name", ALGORITHMS)
def test_labels_of_a_customer_do_not_depend_on_the_order_of_rows(name, blobs):
    matrix, _ = blobs
    shuffled = matrix.sample(frac=1, random_state=5)
    for one, other in zip(
        fit_algorithm(name, matrix, SETTINGS), fit_algorithm(name, shuffled, SETTINGS), strict=True
    ):
        assert (one.name, one.k, one.error) == (other.name, other.k, other.error)
        if not one.error:
            moved = pd.Series(other.labels, shuffled.index).loc[matrix.index]
            assert (moved.to_numpy() == one.labels).all()
            assert one.stability == other.stability


@pytest.mark.parametrize("name", ["kmeans", "dbscan", "ward"])
def test_stability_measured_after_the_fits_is_that_measured_with_them(name, blobs):
    matrix = blobs[0].sample(frac=1, random_state=5)
    sample = SearchSample.of(matrix, SETTINGS)
    with_fits = {c.name: c.stability for c in fit_algorithm(name, sample, SETTINGS) if not c.error}
    bare = fit_algorithm(name, sample, SETTINGS.model_copy(update={"stability_draws": 0}))
    fitted = [c for c in bare if not c.error]
    assert all(np.isnan(c.stability) for c in fitted)
    found = stability_of(fitted[:3], sample, SETTINGS)
    assert {n: row["stability"] for n, row in found.items()} == {
        c.name: with_fits[c.name] for c in fitted[:3]
    }


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_labeller_gives_the_published_labels_again(name, blobs):
    matrix, _ = blobs
    for candidate in fit_algorithm(name, matrix, QUICK):
        if not candidate.error:
            labels, confidence = candidate.labeller.label(matrix.to_numpy())
            assert (labels == candidate.labels).all()
            assert confidence == pytest.approx(candidate.confidence, abs=1e-9)
            assert 0 <= confidence.min() <= confidence.max() <= 1
            assert (confidence[labels == NOISE] == 0).all()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_clusters_are_numbered_by_size(name, blobs):
    for candidate in fit_algorithm(name, blobs[0], QUICK):
        if not candidate.error:
            sizes = np.bincount(candidate.labels[candidate.labels != NOISE])
            assert len(sizes) == candidate.k
            assert (np.diff(sizes) <= 0).all()
            assert sizes.min() > 0


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize(
    "values",
    [
        np.zeros((1, 2)),  # one customer
        np.zeros((30, 2)),  # everybody the same
        np.array([[0.0], [1.0], [5.0]]),  # fewer customers than clusters wanted
        np.repeat([[0.0, 0.0], [9.0, 9.0]], 10, axis=0),  # two points, many times
    ],
)
def test_degenerate_data_give_candidates_or_recorded_failures(name, values):
    candidates = fit_algorithm(name, customers(values), QUICK)
    assert all(c.error or len(c.labels) == len(values) for c in candidates)
    assert all(c.k <= len(np.unique(values, axis=0)) for c in candidates)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.empty((0, 2)), "empty"),
        (np.empty((5, 0)), "empty"),
        (np.array([[1.0, np.nan]]), "not finite"),
        (np.array([[1.0, np.inf]]), "not finite"),
    ],
)
def test_matrix_that_is_none_is_refused(values, reason):
    with pytest.raises(ValueError, match=reason):
        fit_algorithm("kmeans", customers(values), QUICK)


def test_failing_fit_is_recorded_and_the_others_go_on(registered, blobs):
    def fit(X, shared, params, seed):
        if params["k"] == 3:
            raise RuntimeError("three is too many")
        return Fitted(CentreLabeller(X[: params["k"]]))

    registered(fit=fit)
    two, three, four = fit_algorithm("fake", blobs[0], replace_settings(stability_draws=1))
    assert three.error == "RuntimeError: three is too many"
    assert three.labeller is None
    assert (two.k, four.k) == (2, 4)


def test_failure_of_what_trials_share_is_recorded_for_each(registered, blobs):
    def shared(X, settings):
        raise MemoryError("no room for the tree")

    registered(fit=lambda X, shared, params, seed: None, shared=shared)
    candidates = fit_algorithm("fake", blobs[0], QUICK)
    assert [c.error for c in candidates] == ["MemoryError: no room for the tree"] * 3


def test_fit_that_takes_too_long_is_recorded(registered, blobs):
    registered(fit=lambda X, shared, params, seed: time.sleep(5))
    candidates = fit_algorithm("fake", blobs[0], replace_settings(fit_timeout_seconds=0.05))
    assert all(c.error.startswith("TimeoutError") for c in candidates)


def replace_settings(**changes) -> ModelSettings:
    return QUICK.model_copy(update=changes)


def test_fit_that_does_not_converge_says_so(registered, blobs):
    registered(fit=lambda X, shared, params, seed: Fitted(CentreLabeller(X[:2]), converged=False))
    assert not any(c.converged for c in fit_algorithm("fake", blobs[0], QUICK))


def test_trials_are_within_the_bounds_of_k(blobs):
    ks = {c.params["k"] for c in fit_algorithm("ward", blobs[0], QUICK)}
    assert ks == {2, 3, 4}


def test_one_tree_cut_is_ward_of_scikit_learn(blobs):
    matrix, _ = blobs
    for candidate in fit_algorithm("ward", matrix, QUICK):
        own = AgglomerativeClustering(candidate.k).fit_predict(matrix)
        assert adjusted_rand_score(own, candidate.labels) == 1


def test_one_tree_for_all_trials_is_hdbscan_of_scikit_learn(moons):
    matrix, _ = moons
    compared = 0
    for candidate in fit_algorithm("hdbscan", matrix, QUICK):
        params = candidate.params
        own = HDBSCAN(
            min_cluster_size=max(2, round(params["min_cluster_share"] * len(matrix))),
            min_samples=params["min_samples"],
            cluster_selection_method=params["selection"],
            copy=True,
        ).fit_predict(matrix)
        if not candidate.error:
            compared += 1
            # equal reachabilities leave a choice: of leaves scikit-learn's own two ways differ as well
            if params["selection"] == "eom":
                assert adjusted_rand_score(own, candidate.labels) > 0.98
        else:
            assert (own < 0).all()
    assert compared > 10


def test_average_linkage_sets_odd_customers_aside(blobs):
    matrix, truth = blobs
    odd = pd.DataFrame([[90.0, 0, 0], [0, 90.0, 0]], columns=matrix.columns, index=["x1", "x2"])
    found = [c for c in fit_algorithm("average", pd.concat([matrix, odd]), SETTINGS) if c.params["k"] == 4]
    plain, aside = sorted(found, key=lambda c: c.params["smallest_share"])
    assert adjusted_rand_score(truth, plain.labels[:-2]) < 0.8  # two clusters are one customer each
    assert adjusted_rand_score(truth, aside.labels[:-2]) > 0.95
    assert aside.labels[-2:].tolist() == [NOISE, NOISE]


def test_gower_finds_groups_that_differ_in_categories_only():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    wrong = rng.random((300, 4)) < 0.1
    told = np.where(wrong, rng.integers(0, 3, (300, 4)), truth[:, None])
    table = pd.DataFrame(
        {f"taste_{i}": pd.Series(list("abc"))[column].to_list() for i, column in enumerate(told.T)}
    )
    table["spend"] = rng.lognormal(4, 2, 300)
    table.index = [f"{i:03d}" for i in range(300)]
    features = [Feature(f"taste_{i}", "taste", "category") for i in range(4)] + [
        Feature("spend", "rfm", "log")
    ]
    _, matrix = prepare(table, features, PreparationSettings())
    three = next(c for c in fit_algorithm("gower", matrix, QUICK) if c.k == 3)
    assert adjusted_rand_score(truth, three.labels) > 0.9
    means = next(c for c in fit_algorithm("kmeans", matrix, QUICK) if c.k == 3)
    assert adjusted_rand_score(truth, means.labels) < 0.5  # the spread of spend drowns them


def test_full_covariances_are_tried_only_where_rows_suffice():
    trials = algorithms.get("gaussian_mixture").trials
    few = trials(np.zeros((100, 30)), QUICK)
    many = trials(np.zeros((100_000, 30)), QUICK)
    assert "full" not in {t["covariance"] for t in few}
    assert sum(t["covariance"] == "full" for t in many) == 3


def test_large_data_are_fitted_on_a_sample_and_labelled_as_a_whole(blobs):
    rng = np.random.default_rng(0)
    values = np.repeat(blobs[0].to_numpy(), 5, axis=0)
    matrix = customers(values + rng.normal(scale=0.1, size=values.shape))
    truth = np.repeat(blobs[1], 5)
    candidates = fit_algorithm("ward", matrix, SETTINGS.model_copy(update={"max_fit_rows": 200}))
    assert {c.fitted_rows for c in candidates} == {200}
    assert {len(c.labels) for c in candidates} == {900}
    assert best([c for c in candidates if c.k == 4], truth) > 0.95


def test_where_there_are_too_many_candidates_label_one_sample_whatever_the_order_of_rows(blobs):
    matrix, truth = blobs
    few = QUICK.model_copy(update={"evaluation_rows": 100})
    rows = evaluation_rows(matrix, few)
    shuffled = matrix.sample(frac=1, random_state=3)
    moved = evaluation_rows(shuffled, few)
    assert len(rows) == 100
    assert set(shuffled.index[moved]) == set(matrix.index[rows])
    four = next(c for c in fit_algorithm("kmeans", matrix, few) if c.k == 4)
    again = next(c for c in fit_algorithm("kmeans", shuffled, few) if c.k == 4)
    assert adjusted_rand_score(truth[rows], four.labels) > 0.95
    by_customer = pd.Series(again.labels, shuffled.index[moved]).loc[matrix.index[rows]]
    assert (by_customer.to_numpy() == four.labels).all()


def test_cluster_without_customers_vanishes_from_the_labeller():
    labeller, labels, _ = canonical(
        CentreLabeller(np.array([[0.0], [99.0], [5.0]])), Neighbours(np.array([[0.1], [5], [5]]))
    )
    assert labels.tolist() == [1, 0, 0]
    assert labeller.label(np.array([[200.0]]))[0].tolist() == [0]


def test_neighbour_labeller_knows_noise_by_its_radius_and_by_its_neighbours():
    points, labels = np.array([[0.0], [1.0], [9.0]]), np.array([0, 0, NOISE])
    within = NeighbourLabeller(points, labels, radius=2.0)
    assert within.label(np.array([[0.4], [5.0], [8.9]]))[0].tolist() == [0, NOISE, NOISE]
    assert within.without_noise().label(np.array([[5.0], [8.9]]))[0].tolist() == [0, 0]


def test_confidence_of_a_centre_labeller_falls_towards_the_border():
    confidence = CentreLabeller(np.array([[0.0], [10.0]])).label(np.array([[0.0], [3.0], [5.0]]))[1]
    assert confidence == pytest.approx([1.0, 1 - 3 / 7, 0.0])


def test_everything_noise_is_a_failure():
    with pytest.raises(ValueError, match="noise"):
        require_clusters(np.full(3, NOISE))


def test_incumbent_keeps_its_numbers_and_labels_anybody(blobs):
    matrix, _ = blobs
    yesterday = next(c for c in fit_algorithm("kmeans", matrix, QUICK) if c.k == 4)
    today = incumbent(yesterday.labeller, matrix.iloc[:100])
    assert (today.labels == yesterday.labels[:100]).all()
    assert (today.algorithm, today.converged, today.error) == ("incumbent", True, "")


def test_progress_names_each_candidate(blobs):
    told = []
    fit_algorithm("kmeans", blobs[0], QUICK, progress=told.append)
    assert [line.split(":")[0] for line in told] == ["kmeans k=2", "kmeans k=3", "kmeans k=4"]


def test_candidates_are_frozen(blobs):
    candidate = fit_algorithm("kmeans", blobs[0], QUICK)[0]
    assert replace(candidate, stability=0.5).stability == 0.5
    with pytest.raises(AttributeError):
        candidate.k = 9
