"""Constraints, ranking, margin and verdict."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from segmentation.modelling.assign import assign
from segmentation.modelling.choose import choose, total
from segmentation.modelling.constraints import constraints_violated
from segmentation.modelling.labellers import CentreLabeller
from segmentation.modelling.replace import Evidence
from segmentation.modelling.scores.prediction import Losses
from segmentation.modelling.scores.table import score
from segmentation.modelling.search import Candidate, fit_algorithm
from segmentation.modelling.settings import ModelSettings
from tests.modelling.conftest import customers

SETTINGS = ModelSettings(
    weights={"predictive": 2.0, "stability": 1.0},
    equal_weights={"stability": 1.0, "rule_fidelity": 1.0},
    incumbent_margin=0.05,
)
GOOD = {"coverage": 1.0, "smallest_share": 0.2, "largest_share": 0.5, "silhouette": 0.3}


def candidate(name: str, algorithm: str = "kmeans", k: int = 4, **changes) -> Candidate:
    labels = np.arange(100) % k
    labeller = CentreLabeller(np.zeros((k, 1)))
    blank = Candidate(name, algorithm, {"k": k}, k, labels, np.ones(100), converged=True, labeller=labeller)
    return replace(blank, **changes)


def table(**rows) -> pd.DataFrame:
    return pd.DataFrame.from_dict({name: {**GOOD, **row} for name, row in rows.items()}, orient="index")


def test_best_weighted_mean_wins():
    scores = table(a={"predictive": 0.30, "stability": 0.2}, b={"predictive": 0.15, "stability": 0.9})
    choice = choose([candidate("a"), candidate("b")], scores, SETTINGS)
    assert (choice.kind, choice.winner.name) == ("new", "a")
    first, second = (2 + 0.2 / 0.85) / 3, (2 * 0.5**8 + 1) / 3  # from .85 on stability is enough
    assert choice.leaderboard["total"].tolist() == pytest.approx([first, second], abs=1e-6)
    heavy = SETTINGS.model_copy(update={"weights": {"stability": 1.0}})
    assert choose([candidate("a"), candidate("b")], scores, heavy).winner.name == "b"


def test_stability_is_asked_of_those_alone_that_can_win_by_it():
    scores = table(
        best={"predictive": 0.300, "stability": np.nan},
        equal={"predictive": 0.299, "stability": np.nan},
        worse={"predictive": 0.200, "stability": np.nan},
        barred={"predictive": 0.310, "stability": np.nan, "coverage": 0.1},
    )
    asked = []

    def stability(alike):
        asked.extend(c.name for c in alike)
        return {"best": {"stability": 0.5}, "equal": {"stability": 0.9}}

    found = choose(
        [candidate(name) for name in scores.index], scores, SETTINGS, None, Evidence(stability=stability)
    )
    assert sorted(asked) == ["best", "equal"]
    assert found.winner.name == "equal"
    board = found.leaderboard.set_index("candidate")["stability"]
    assert board[["best", "equal"]].tolist() == [0.5, 0.9]
    assert board[["worse", "barred"]].isna().all()


@pytest.mark.parametrize(
    ("changes", "row", "constraint"),
    [
        ({"k": 2}, {}, "k_min"),
        ({"k": 11}, {}, "k_max"),
        ({}, {"smallest_share": 0.001}, "smallest_share"),
        ({}, {"largest_share": 0.9}, "largest_share"),
        ({}, {"coverage": 0.7}, "noise_share"),
        ({"converged": False}, {}, "convergence"),
        ({"labeller": None}, {}, "assignable"),
        ({"confidence": np.full(100, np.nan)}, {}, "assignable"),
        ({"error": "ValueError: no"}, {}, "fit"),
    ],
)
def test_constraint_is_named_and_keeps_the_best_from_winning(changes, row, constraint):
    barred, modest = replace(candidate("barred"), **changes), candidate("modest")
    scores = table(barred={"predictive": 0.9, **row}, modest={"predictive": 0.1})
    assert constraints_violated(barred, scores.loc["barred"], SETTINGS) == [constraint]
    choice = choose([barred, modest], scores, SETTINGS)
    assert choice.winner.name == "modest"
    assert choice.leaderboard.set_index("candidate").loc["barred", "gates_failed"] == constraint
    assert choice.leaderboard.set_index("candidate")["rank"].isna().to_dict() == {
        "modest": False,
        "barred": True,
    }


def test_several_constraints_are_all_named():
    scores = table(a={"coverage": 0.1, "largest_share": 0.95})
    assert constraints_violated(candidate("a", k=1), scores.loc["a"], SETTINGS) == [
        "k_min",
        "largest_share",
        "noise_share",
    ]


@pytest.mark.parametrize(
    ("challenger", "kind"),
    [
        (0.64, "keep"),  # better, within the margin
        (0.60, "keep"),  # the same
        (0.50, "keep"),  # worse
        (0.80, "new"),  # better by more than the margin
    ],
)
def test_incumbent_wins_unless_it_is_beaten_by_more_than_the_margin(challenger, kind):
    settings = SETTINGS.model_copy(update={"weights": {"stability": 1.0}})
    runners = [candidate("challenger"), candidate("incumbent", algorithm="incumbent")]
    scores = table(challenger={"stability": challenger}, incumbent={"stability": 0.6})
    choice = choose(runners, scores, settings)
    assert choice.kind == kind
    assert ("kept" in choice.verdict) == (kind == "keep")


def test_incumbent_that_violates_a_constraint_is_not_kept():
    runners = [candidate("challenger"), candidate("incumbent", algorithm="incumbent", k=2)]
    choice = choose(runners, table(challenger={"stability": 0.1}, incumbent={"stability": 0.9}), SETTINGS)
    assert (choice.kind, choice.winner.name) == ("new", "challenger")


def test_tie_goes_to_fewer_segments_then_to_the_name():
    runners = [candidate("z", k=4), candidate("b", k=5), candidate("a", k=5)]
    scores = table(z={"stability": 0.5}, b={"stability": 0.5}, a={"stability": 0.5})
    assert choose(runners, scores, SETTINGS).leaderboard["candidate"].tolist() == ["z", "a", "b"]


def test_order_of_candidates_changes_nothing():
    runners = [candidate(name, k=k) for name, k in [("a", 4), ("b", 5), ("c", 2)]]
    scores = table(a={"stability": 0.5}, b={"stability": 0.6}, c={"stability": 0.7})
    one, other = choose(runners, scores, SETTINGS), choose(runners[::-1], scores, SETTINGS)
    pd.testing.assert_frame_equal(one.leaderboard, other.leaderboard)
    assert one.verdict == other.verdict


@pytest.mark.parametrize(
    ("runners", "customers_", "reason"),
    [
        ([], 100, "there is no candidate"),
        ([candidate("a")], 9, "9 customers are fewer than 10"),
        ([candidate("a", k=2), candidate("b", error="ValueError: no")], 100, "fit: 1, k_min: 1"),
    ],
)
def test_no_structure_says_why(runners, customers_, reason):
    choice = choose(runners, table(a={}, b={}), SETTINGS, n_customers=customers_)
    assert (choice.kind, choice.winner) == ("no structure", None)
    assert reason in choice.verdict
    assert not choice.leaderboard["chosen"].any()


@pytest.mark.parametrize("values", [np.zeros((1, 2)), np.zeros((200, 2)), np.array([[0.0], [1.0], [2.0]])])
def test_degenerate_data_have_no_structure(values):
    settings = ModelSettings(stability_draws=0)
    matrix = customers(values)
    runners = [c for name in ("kmeans", "ward", "dbscan") for c in fit_algorithm(name, matrix, settings)]
    choice = choose(runners, score(runners, matrix, settings), settings, n_customers=len(matrix))
    assert choice.kind == "no structure"


def test_a_continuous_cloud_still_gets_segments():
    cloud = customers(np.random.default_rng(0).normal(size=(600, 5)))
    settings = ModelSettings(stability_draws=1)
    runners = fit_algorithm("kmeans", cloud, settings)
    choice = choose(runners, score(runners, cloud, settings), settings)
    assert choice.kind == "new"
    assert settings.k_min <= choice.winner.k <= settings.k_max


def test_geometry_and_stability_alone_find_the_planted_groups(blobs):
    matrix, truth = blobs
    settings = ModelSettings(stability_draws=2, stability_rows=200)
    names = ("kmeans", "ward", "gaussian_mixture", "dbscan")
    runners = [c for name in names for c in fit_algorithm(name, matrix, settings)]
    choice = choose(runners, score(runners, matrix, settings), settings)
    published = assign(choice.winner, matrix)["label"]
    assert pd.crosstab(truth, published.to_numpy()).gt(0).sum(axis=1).tolist() == [1, 1, 1, 1]


def test_score_that_nobody_has_drops_out_and_one_that_is_missing_counts_nothing():
    weights = {"stability": 1.0, "predictive": 1.0}
    alone = total(pd.DataFrame({"stability": [0.4, 0.8]}, index=["a", "b"]), weights)
    assert alone.to_dict() == {"a": 0.4, "b": 0.8}
    partly = total(
        pd.DataFrame({"stability": [0.4, 0.8], "predictive": [0.2, np.nan]}, index=["a", "b"]), weights
    )
    assert partly.to_dict() == {"a": 0.7, "b": 0.4}


def test_external_agreement_never_counts():
    scores = table(a={"stability": 0.9, "external_ari": 0.0}, b={"stability": 0.1, "external_ari": 1.0})
    assert choose([candidate("a"), candidate("b")], scores, SETTINGS).winner.name == "a"


def test_external_agreement_cannot_be_given_a_weight():
    with pytest.raises(ValueError, match="external_ari"):
        ModelSettings(weights={"external_ari": 1.0})


def test_leaderboard_says_everything_a_reader_needs():
    scores = table(a={"predictive": 1 / 3, "stability": 0.5}, b={"predictive": 0.1, "stability": 0.5})
    board = choose([candidate("a"), candidate("b")], scores, SETTINGS).leaderboard
    assert board["chosen"].tolist() == [True, False]
    assert board["rank"].tolist() == [1, 2]
    assert board["predictive"].tolist() == [0.333333, 0.1]
    assert json.loads(board["parameters"][0]) == {"k": 4}


def test_verdict_names_reasons_runner_up_and_what_silhouette_would_take():
    scores = table(
        a={"predictive": 0.3, "stability": 0.5, "silhouette": 0.1},
        b={"predictive": 0.1, "stability": 0.5, "silhouette": 0.4},
    )
    verdict = choose([candidate("a", k=7), candidate("b", k=3)], scores, SETTINGS).verdict
    assert (
        verdict
        == (
            "a (7 segments) won on predictive validity, 0.300 against 0.100, ranked 0.863 against 0.196 of b; "
            "predictive validity 0.300, stability 0.500; "
            "silhouette prefers b (3 segments), which explains 0.10 against 0.30"  # nothing of one that has no equal
        )
    )


def test_verdict_claims_no_lead_of_a_model_that_is_kept_for_another_reason():
    scores = table(
        old={"predictive": 0.30, "stability": 0.5, "consensus": 0.9},
        b={"predictive": 0.30, "stability": 0.8, "consensus": 0.1},
    )
    losses = Losses({"old": np.ones(100), "b": np.ones(100)}, np.full(100, 2.0), 60)
    choice = choose(
        [candidate("old", "incumbent"), candidate("b")], scores, SETTINGS, evidence=Evidence(losses)
    )
    assert choice.kind == "keep"
    assert choice.verdict.startswith("old (4 segments) was kept; one of 2 that foresee as much as the best")


def test_sensitivity_and_pareto_front_are_in_the_leaderboard():
    scores = table(
        a={"predictive": 0.30, "stability": 0.6},
        b={"predictive": 0.297, "stability": 0.4, "consensus": 0.8},  # another weighting prefers it
        c={"predictive": 0.20, "stability": 0.3},  # worse than both in both
        d={"predictive": 0.90, "stability": 0.9, "coverage": 0.1},
    )
    settings = SETTINGS.model_copy(update={"equal_weights": {"stability": 2.0, "consensus": 0.5}})
    board = choose([candidate(name) for name in "abcd"], scores, settings).leaderboard.set_index("candidate")
    assert board["is_pareto"].dropna().to_dict() == {"a": True, "b": True, "c": False}
    won = board["weightings_won"]
    assert won["a"] + won["b"] == pytest.approx(1) and 0.1 < won["a"] < 0.9
    assert won[["c", "d"]].isna().all()  # no equals


@pytest.mark.parametrize(
    ("steady", "winner"),
    [
        pytest.param(0.295, "steady", id="within 2 % of the best: the steadier"),
        pytest.param(0.290, "best", id="beyond 2 %: the best, however unsteady"),
    ],
)
def test_a_last_half_per_cent_does_not_decide(steady, winner):
    scores = table(
        best={"predictive": 0.30, "stability": 0.2}, steady={"predictive": steady, "stability": 0.9}
    )
    assert choose([candidate("best"), candidate("steady")], scores, SETTINGS).winner.name == winner


def losses(
    spread: float = 1.0, buyers: int = 500, n: int = 400, deviation: float = 0.2, **unexplained: float
) -> Losses:
    """Losses whose differences are chance of a standard deviation."""
    numbers = np.random.default_rng(1)
    shared = numbers.exponential(1, n) * spread

    def squared(mean: float) -> np.ndarray:
        chance = numbers.normal(0, deviation, n)
        return shared - shared.mean() + mean + chance - chance.mean()

    return Losses({name: squared(mean) for name, mean in unexplained.items()}, np.full(n, 1.0), buyers)


def test_what_a_paired_standard_error_does_not_tell_apart_is_equal():
    scores = table(
        best={"predictive": 0.30, "stability": 0.2}, steady={"predictive": 0.288, "stability": 0.9}
    )
    runners = [candidate("best"), candidate("steady")]
    assert choose(runners, scores, SETTINGS).winner.name == "best"
    known = Evidence(losses(spread=0.1, best=0.7, steady=0.712))
    found = choose(runners, scores, SETTINGS, evidence=known)
    assert known.losses.gain("best", "steady")[1] > 0.012
    assert (found.winner.name, found.facts["equals"], found.facts["foresight"]) == ("steady", 2, "counts")


@pytest.mark.parametrize(
    ("known", "why"),
    [
        pytest.param(losses(buyers=13, best=0.7, steady=0.9), "buyers", id="thirteen bought"),
        pytest.param(
            losses(spread=20.0, best=0.7, steady=0.9), "noise", id="the best is within its own error"
        ),
    ],
)
def test_predictive_validity_that_is_not_known_steps_back_and_says_so(known, why):
    scores = table(best={"predictive": 0.30, "stability": 0.2}, steady={"predictive": 0.10, "stability": 0.9})
    found = choose([candidate("best"), candidate("steady")], scores, SETTINGS, evidence=Evidence(known))
    assert (found.winner.name, found.facts["foresight"]) == ("steady", why)
    assert "does not count" in found.verdict


def test_of_equals_the_one_that_rules_can_tell_wins_and_what_is_given_up_is_said():
    scores = table(a={"predictive": 0.30, "stability": 0.8}, b={"predictive": 0.30, "stability": 0.7})
    fidelity = {"a": (0.5, 2), "b": (0.9, 0)}
    known = Evidence(rules=lambda one: fidelity[one.name])
    found = choose([candidate("a"), candidate("b")], scores, SETTINGS, evidence=known)
    assert found.winner.name == "b"
    assert found.facts["given_up"] == {"stability": 0.8, "sound": 0.8}
    assert "given up: stability (another has 0.80)" in found.verdict
    board = found.leaderboard.set_index("candidate")
    assert board["untold_segments"].to_dict() == {"b": 0.0, "a": 2.0}


@pytest.mark.parametrize(
    ("stability", "untold", "spread", "winner"),
    [
        pytest.param(0.5, 0, 1.0, "sound", id="the best is not stable: the nearest within its error that is"),
        pytest.param(0.9, 1, 1.0, "sound", id="the best has a segment without rules"),
        pytest.param(0.9, 0, 1.0, "best", id="the best is stable and told"),
        pytest.param(0.5, 0, 0.1, "best", id="what is sound foresees less beyond the error"),
    ],
)
def test_where_no_equal_is_stable_and_told_the_nearest_within_an_error_is(stability, untold, spread, winner):
    scores = table(
        best={"predictive": 0.30, "stability": stability},
        unsteady={"predictive": 0.29, "stability": 0.3},
        sound={"predictive": 0.28, "stability": 0.9},
        further={"predictive": 0.27, "stability": 1.0},
    )
    told = {"best": (0.9, untold), "unsteady": (0.9, 0), "sound": (0.8, 0), "further": (0.9, 0)}
    known = Evidence(
        losses(spread=spread, deviation=0.01, best=0.7, unsteady=0.71, sound=0.72, further=0.73),
        rules=lambda one: told[one.name],
    )
    settings = SETTINGS.model_copy(update={"tolerance": 0.0})
    runners = [candidate(name) for name in told]
    found = choose(runners, scores, settings, evidence=known)
    assert found.winner.name == winner
    assert (found.facts.get("given_up") == {"predictive": 0.30}) == (winner == "sound")


@pytest.mark.parametrize(
    ("stability", "untold", "winner"),
    [
        pytest.param(0.9, 0, "warm", id="as sound as the best, and moves nobody"),
        pytest.param(0.5, 0, "best", id="not stable"),
        pytest.param(0.9, 1, "best", id="has a segment without rules"),
    ],
)
def test_what_starts_from_the_model_in_use_is_no_less_sound_than_the_best(stability, untold, winner):
    scores = table(
        best={"predictive": 0.30, "stability": 0.9},
        warm={"predictive": 0.298, "stability": stability},
        old={"predictive": 0.20, "stability": 0.9},
    )
    told = {"best": (0.9, 0), "warm": (0.9, untold), "old": (0.9, 0)}
    known = Evidence(losses(deviation=0.01, best=0.7, warm=0.702, old=0.8), rules=lambda one: told[one.name])
    moved = candidate("best", labels=np.arange(100) * 7 % 5)
    runners = [moved, candidate("warm", "continued"), candidate("old", "incumbent")]
    assert choose(runners, scores, SETTINGS, evidence=known).winner.name == winner


@pytest.mark.parametrize(
    ("stability", "untold", "says"),
    [
        pytest.param(0.5, 0, "has a stability of 0.80 and rules", id="nobody is stable"),
        pytest.param(0.9, 1, "1 of its segments cannot be told by rules", id="nobody is told"),
    ],
)
def test_where_nobody_near_the_best_is_stable_and_told_the_verdict_says_so(stability, untold, says):
    scores = table(
        best={"predictive": 0.30, "stability": stability}, next={"predictive": 0.30, "stability": 0.4}
    )
    known = Evidence(losses(spread=0.1, deviation=0.01, best=0.7, next=0.7), rules=lambda one: (0.9, untold))
    found = choose([candidate("best"), candidate("next")], scores, SETTINGS, evidence=known)
    assert found.winner.name == "best"
    assert found.facts["given_up"] == {"sound": 0.8}
    assert says in found.verdict


@pytest.mark.parametrize(
    ("validity", "winner"),
    [
        pytest.param({"predictive": 0.3}, "few", id="both foresee as much: a tie, for the fewer segments"),
        pytest.param({}, "many", id="geometry alone: no reason for few"),
    ],
)
def test_totals_within_a_hundredth_are_a_tie_where_predictive_validity_counts(validity, winner):
    runners = [candidate("many", k=9), candidate("few", k=4)]
    scores = table(many={"stability": 0.503, **validity}, few={"stability": 0.5, **validity})
    assert choose(runners, scores, SETTINGS).winner.name == winner


@pytest.mark.parametrize(
    ("density", "winner"),
    [
        pytest.param(-0.5, "many", id="groups touch: gaps between them count"),
        pytest.param(0.5, "few", id="the first is set apart by sparser zones: they do not"),
    ],
)
def test_gaps_between_segments_count_where_geometry_alone_decides_and_they_touch(density, winner):
    settings = SETTINGS.model_copy(update={"weights": {"consensus": 4.0, "separation": 2.0}})
    scores = table(
        few={"consensus": 0.50, "separation": 0.3, "density_validity": density},
        many={"consensus": 0.47, "separation": 0.6, "density_validity": -0.5},
    )
    runners = [candidate("few", k=3), candidate("many", k=9)]
    assert choose(runners, scores, settings, n_customers=200).winner.name == winner
    assert choose(runners, scores, settings, n_customers=199).winner.name == "few"  # a density of chance
    known = Evidence(rules=lambda one: (0.9, 0))  # of a shop's candidates the weights of equals decide
    assert choose(runners, scores, settings, n_customers=200, evidence=known).winner.name == "few"


@pytest.mark.parametrize(
    ("few", "many", "untold", "winner"),
    [
        pytest.param((0.95, 0.20), (0.88, 0.30), 0, "many", id="both are steady enough: who says more"),
        pytest.param(
            (0.95, 0.20), (0.88, 0.21), 0, "few", id="who says hardly more is alike: fewer segments"
        ),
        pytest.param((0.95, 0.20), (0.40, 0.30), 0, "few", id="unsteady: saying more is no help"),
        pytest.param((0.95, 0.20), (0.88, 0.30), 3, "few", id="three of nine segments cannot be told"),
    ],
)
def test_more_stability_than_is_needed_is_no_reason_for_few_segments(few, many, untold, winner):
    settings = SETTINGS.model_copy(
        update={"equal_weights": {"stability": 1.0, "rule_fidelity": 1.0, "described": 1.0}}
    )
    scores = table(
        few={"predictive": 0.3, "stability": few[0], "described": few[1]},
        many={"predictive": 0.3, "stability": many[0], "described": many[1]},
    )
    told = {"few": (0.9, 0), "many": (0.8, untold)}
    known = Evidence(rules=lambda one: told[one.name])
    found = choose([candidate("few", k=4), candidate("many", k=9)], scores, settings, evidence=known)
    assert found.winner.name == winner
    assert found.leaderboard.set_index("candidate")["stability"].to_dict() == {"few": few[0], "many": many[0]}


def test_two_candidates_of_one_name_are_refused():
    with pytest.raises(ValueError, match="different names"):
        choose([candidate("a"), candidate("a")], table(a={}), SETTINGS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"k_min": 8, "k_max": 4},  # bounds the wrong way round
        {"trials": 0},  # nothing to try
        {"algorithm": ["kmeans"]},  # misspelt
        {"weights": {"beauty": 1.0}},  # no such score
    ],
)
def test_settings_out_of_bounds_are_refused(wrong):
    with pytest.raises(ValueError):
        ModelSettings(**wrong)


def test_predictive_validity_counts_steeply_less_below_the_best():
    validity = {"best": 0.40, "less": 0.38, "none": -0.02}
    made = total(
        table(**{name: {"predictive": share} for name, share in validity.items()}), {"predictive": 1.0}
    )
    assert made.to_dict() == pytest.approx({"best": 1, "less": 0.95**8, "none": 0}, abs=1e-6)
