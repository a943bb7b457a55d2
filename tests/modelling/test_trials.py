"""The budget of trials: what is tried, in what order, and that it depends on the seed and on what is told."""

from dataclasses import asdict

import pytest

from segmentation.modelling.algorithms.base import k_trials
from segmentation.modelling.search import fit_algorithm
from segmentation.modelling.settings import ModelSettings
from segmentation.modelling.trials import Range, Trials, thin

GRID = [{"k": k, "kind": kind} for kind in ("a", "b") for k in range(2, 12)]


def run(trials: Trials, value) -> list[dict]:
    tried = []
    for params in trials:
        trials.tell(params, value(params))
        tried.append(params)
    return tried


def test_budget_is_spread_over_the_grid():
    grid = [{"k": k} for k in range(10)]
    assert thin(grid, 4) == [{"k": 0}, {"k": 3}, {"k": 6}, {"k": 9}]
    assert thin(grid, 20) == grid


def test_a_grid_within_the_budget_is_tried_as_a_whole_and_nothing_else():
    assert run(Trials(GRID, {}, 50, seed=0), lambda params: 1.0) == GRID


def test_what_ranked_highest_before_is_tried_first_if_it_fits_the_grid():
    best, foreign = {"k": 7, "kind": "b"}, {"k": 99, "kind": "b"}
    tried = run(Trials(GRID, {}, 50, seed=0, first=[foreign, best]), lambda params: 1.0)
    assert tried[0] == best
    assert sorted(map(str, tried)) == sorted(map(str, GRID))


def test_beyond_the_grid_optuna_looks_where_the_criterion_is_high_within_the_budget():
    grid = [{"share": share, "m": m} for m in (5, 10) for share in (0.1, 0.5, 0.9)]

    def criterion(params):
        return -abs(params["share"] - 0.33) - 0.1 * (params["m"] == 10)

    def made():
        return Trials(grid, {"share": Range(0.05, 0.95)}, 30, seed=4)

    tried = run(made(), criterion)
    assert len(tried) == 30
    assert len({tuple(params.items()) for params in tried}) == 30
    assert all(0.05 <= params["share"] <= 0.95 for params in tried)
    assert min(abs(params["share"] - 0.33) for params in tried) < 0.03
    assert run(made(), criterion) == tried
    assert run(made(), lambda params: params["share"]) != tried


def test_combinations_that_the_grid_leaves_out_are_never_suggested():
    grid = [{"k": k, "kind": "a"} for k in range(2, 12)] + [{"k": k, "kind": "b"} for k in range(2, 6)]
    tried = run(Trials(grid, {}, 12, seed=0), lambda params: float(params["k"]))
    assert len(tried) == 12
    assert all(params in grid for params in tried)


def test_failed_trials_do_not_stop_the_search():
    tried = run(Trials(GRID, {}, 10, seed=0), lambda params: float("nan"))
    assert len(tried) == 10


def test_without_a_criterion_a_large_grid_is_thinned():
    assert run(Trials(GRID, {}, 10, seed=0, has_criterion=False), lambda params: float("nan")) == thin(
        GRID, 10
    )


@pytest.mark.parametrize("name", ["gaussian_mixture", "hdbscan"])
def test_algorithms_with_a_criterion_try_more_than_half_of_their_grid(name, blobs):
    settings = ModelSettings(k_min=2, k_max=9, trials=16, stability_draws=0)
    first = {"k": 5, "covariance": "tied"} if name == "gaussian_mixture" else {}
    fitted = fit_algorithm(name, blobs[0], settings, first=[first])
    assert len(fitted) == len({c.name for c in fitted}) == 16
    assert [asdict(c)["name"] for c in fit_algorithm(name, blobs[0], settings, first=[first])] == [
        c.name for c in fitted
    ]
    if first:
        assert fitted[0].params == first
        assert len(k_trials(settings, covariance=["full", "tied", "diag", "spherical"])) > 16
