"""Replacement of the model in use: beyond noise, worth the move, and warm where that costs little."""

from dataclasses import replace

import numpy as np
import pytest

from segmentation.modelling import warm_start
from segmentation.modelling.labellers import CentreLabeller
from segmentation.modelling.natural import Room
from segmentation.modelling.replace import STAYS, Evidence, Moved, decide, facts, moved_share, violated
from segmentation.modelling.scores.prediction import Losses
from segmentation.modelling.search import Candidate
from segmentation.modelling.settings import ModelSettings

SETTINGS = ModelSettings(gain_per_move=0.05, renew_after_days=180)
N = 1000
RNG = np.random.default_rng(3)
SPREAD = np.ones(N)
NOISE = RNG.normal(0, 0.2, N)
NOISE -= NOISE.mean()


def candidate(name: str, algorithm: str = "kmeans", moved: float = 0.0) -> Candidate:
    """Four segments of a thousand customers, of whom a share is in another one than in use."""
    labels = np.arange(N) % 4
    labels[: round(moved * N)] = (labels[: round(moved * N)] + 1) % 4
    labeller = CentreLabeller(np.zeros((4, 1)))
    return Candidate(name, algorithm, {}, 4, labels, np.ones(N), converged=True, labeller=labeller)


def decided(gains: dict[str, tuple[float, float]], moved: float = 0.2, **evidence):
    """The decision where each challenger gains so much, with such noise; c is in use."""
    squared = {"c": np.full(N, 0.7)} | {
        name: 0.7 - gain + noise * NOISE for name, (gain, noise) in gains.items()
    }
    runners = [candidate("c", "incumbent")] + [
        candidate(
            name, "continued" if name.startswith("warm") else "kmeans", moved / 2 if "warm" in name else moved
        )
        for name in gains
    ]
    ranked = sorted(runners, key=lambda one: one.name == "c")
    known = Evidence(Losses(squared, SPREAD, 500), **evidence)
    return decide(runners[0], ranked, {one.name: 0.5 for one in runners}, known, SETTINGS)


@pytest.mark.parametrize(
    ("gain", "noise", "moved", "evidence", "reason"),
    [
        pytest.param(0.05, 1.0, 0.2, {}, "better", id="beyond noise and worth the move"),
        pytest.param(0.005, 1.0, 0.2, {}, "noise", id="within two standard errors of .0063"),
        pytest.param(0.005, 0.1, 0.2, {}, "price", id="beyond noise, less than a fifth of .05"),
        pytest.param(0.012, 0.1, 0.2, {}, "better", id="more than a fifth of .05"),
        pytest.param(-0.01, 0.1, 0.2, {}, "best", id="worse"),
        pytest.param(
            0.005,
            0.1,
            0.2,
            {"drift": (Moved("monetary", 0.4),)},
            "price",
            id="drift is no excuse for the price",
        ),
        pytest.param(
            0.005, 1.0, 0.2, {"drift": (Moved("monetary", 0.4),)}, "noise", id="drift is no excuse for noise"
        ),
        pytest.param(0.002, 1.0, 0.2, {"age_days": 181}, "age", id="an old model gives way to any gain"),
        pytest.param(0.002, 1.0, 0.2, {"age_days": 90}, "noise", id="one of three months does not"),
        pytest.param(
            0.015, 1.0, 0.2, {"age_days": 90}, "better", id="two standard errors against it are enough"
        ),
        pytest.param(0.015, 1.0, 0.2, {"age_days": 10}, "young", id="six are asked against one of ten days"),
        pytest.param(0.05, 1.0, 0.2, {"age_days": 10}, "better", id="eight are enough"),
        pytest.param(
            0.015,
            1.0,
            0.2,
            {"age_days": 10, "drift": (Moved("monetary", 0.4),)},
            "drift",
            id="where customers have drifted, its days say little",
        ),
        pytest.param(
            0.05,
            1.0,
            0.2,
            {"age_days": 10, "drift": (Moved("monetary", 0.4),)},
            "better",
            id="drift is no reason where the gain is enough without it",
        ),
        pytest.param(
            0.05, 1.0, 0.2, {"is_replaced_this_quarter": True}, "quarter", id="once a quarter is enough"
        ),
        pytest.param(
            0.05,
            1.0,
            0.2,
            {"is_replaced_this_quarter": True, "drift": (Moved("monetary", 0.4),)},
            "drift",
            id="but where customers have drifted",
        ),
        pytest.param(
            0.005,
            1.0,
            0.2,
            {"is_replaced_this_quarter": True},
            "noise",
            id="noise is called so in any quarter",
        ),
        pytest.param(
            0.002,
            1.0,
            0.2,
            {"age_days": 181, "drift": (Moved("monetary", 0.4),)},
            "age",
            id="drift is no excuse for noise of an old model either",
        ),
    ],
)
def test_a_challenger_must_be_better_beyond_noise_and_worth_the_move(gain, noise, moved, evidence, reason):
    found = decided({"b": (gain, noise)}, moved, **evidence)
    assert found.reason == reason
    assert found.winner == ("c" if reason in STAYS else "b")
    assert found.gain == pytest.approx(gain, abs=1e-6)
    assert found.moved == pytest.approx(moved)
    assert found.price == pytest.approx(0.05 * moved)


def test_the_new_model_is_the_one_that_gains_most_for_its_price():
    """To start from the old one moves a tenth of the customers fewer, which are worth .005."""
    assert decided({"b": (0.05, 0.1), "warm": (0.046, 0.1)}).winner == "warm"
    assert decided({"b": (0.05, 0.1), "warm": (0.044, 0.1)}).winner == "b"


def test_a_split_needs_no_more_of_a_young_model():
    """Of ten days, six standard errors are asked of a new model; .015 is more than two of .0063."""
    old, new = candidate("c", "incumbent"), candidate("b", moved=0.2)
    split = replace(candidate("halves", "continued", 0.1), params={"split": "1 in 2"})
    squared = {"c": np.full(N, 0.7), "b": 0.68 + NOISE, "halves": 0.685 + NOISE}
    known = Evidence(Losses(squared, SPREAD, 500), age_days=10)
    totals = dict.fromkeys(squared, 0.5)
    for challengers, reason, winner in (([new, split], "better", "halves"), ([new], "young", "c")):
        found = decide(old, [*challengers, old], totals, known, SETTINGS)
        assert (found.reason, found.winner) == (reason, winner)
    dear = replace(split, labels=candidate("", moved=0.4).labels)  # worth .02
    assert decide(old, [new, dear, old], totals, known, SETTINGS).winner == "c"


def test_one_that_starts_from_the_old_model_is_taken_where_it_is_sound_alone():
    runners = [candidate(name, "continued", moved) for name, moved in (("nearest", 0.05), ("near", 0.1))]
    best, old = candidate("b", moved=0.3), candidate("c", "incumbent")
    squared = {"c": np.full(N, 0.7)} | dict.fromkeys(["b", "nearest", "near"], np.full(N, 0.65))
    known = Evidence(Losses(squared, SPREAD, 500))
    asked = []

    def is_sound(one: Candidate) -> bool:
        asked.append(one.name)
        return one.name == "near"

    ranked = [best, *runners, old]
    totals = {one.name: 0.5 for one in ranked}
    assert decide(old, ranked, totals, known, SETTINGS, is_sound=is_sound).winner == "near"
    assert asked == ["nearest", "near"]  # whoever moves fewer first, and no more than needed
    assert decide(old, ranked, totals, known, SETTINGS, is_sound=lambda one: False).winner == "b"
    assert violated(old, ["k_min"], ranked[:3], known, SETTINGS, is_sound).winner == "near"


def test_a_model_that_violates_a_constraint_goes_and_its_continuation_may_follow():
    squared = {
        "c": np.full(N, 0.6),
        "b": np.full(N, 0.65),
        "warm": np.full(N, 0.653),
        "far": np.full(N, 0.66),
    }
    old = candidate("c", "incumbent")
    warm, far = candidate("warm", "continued", 0.1), candidate("far", "continued", 0.0)
    ranked = [candidate("b", moved=0.3), warm, far]
    known = Evidence(Losses(squared, SPREAD, 500))
    found = violated(old, ["smallest_share"], ranked, known, SETTINGS)
    assert (found.reason, found.winner, found.violated) == ("constraint", "warm", ("smallest_share",))
    assert violated(old, ["k_min"], ranked[:1], Evidence(), SETTINGS).winner == "b"


def test_the_reason_is_that_of_the_challenger_that_is_held_off_and_not_of_one_within_noise():
    found = decided({"b": (0.009, 1.0), "warm": (0.03, 0.1)}, is_replaced_this_quarter=True)
    assert (found.reason, found.winner, found.challenger) == ("quarter", "c", "warm")
    found = decided({"b": (0.009, 1.0), "warm": (0.008, 1.0)}, is_replaced_this_quarter=True)
    assert (found.reason, found.challenger) == ("noise", "b")


def test_a_warm_one_may_be_worth_its_few_movers_where_the_best_is_not():
    found = decided({"b": (0.009, 0.1), "warm": (0.008, 0.1)})
    assert (found.reason, found.winner) == ("better", "warm")


@pytest.mark.parametrize(
    ("room", "evidence", "reason", "winner"),
    [
        pytest.param(None, {}, "better", "b", id="no limit"),
        pytest.param(Room(0.4), {}, "better", "b", id="a fifth may move"),
        pytest.param(Room(0.4, owed=0.25), {}, "better", "warm", id="one that moves fewer has room"),
        pytest.param(Room(0.05), {}, "room", "c", id="nobody has"),
        pytest.param(
            Room(0.05),
            {"drift": (Moved("monetary", 0.4),), "age_days": 10},
            "room",
            "c",
            id="drift makes none",
        ),
        pytest.param(Room(0.05), {"age_days": 181}, "better", "b", id="an old model goes all the same"),
    ],
)
def test_a_challenger_moves_no_more_than_there_is_room_for(room, evidence, reason, winner):
    """A fifth of the customers by the new model, a tenth by the one that starts from the old."""
    found = decided({"b": (0.05, 0.1), "warm": (0.03, 0.1)}, room=room, **evidence)
    assert (found.reason, found.winner) == (reason, winner)
    assert facts(found).get("room") == (None if room is None else pytest.approx(room.left))


def test_price_and_room_are_of_the_movers_that_will_be_published_where_they_are_known():
    """By the labels a fifth would move; half of the customers do, for a price of .025 that .02 is not worth."""
    for movers, reason, moved in ((None, "better", 0.2), (lambda _: 0.5, "price", 0.5)):
        outcome = decided({"b": (0.02, 0.1)}, movers=movers)
        assert (outcome.reason, outcome.moved) == (reason, pytest.approx(moved))
    assert decided({"b": (0.05, 0.1)}, movers=lambda _: 0.5, room=Room(0.4)).reason == "room"


def test_facts_have_the_reason_and_both_figures():
    found = facts(decided({"b": (0.05, 1.0)}))
    assert found["reason"] == "better"
    assert found["gain"] == pytest.approx(0.05, abs=1e-5)
    assert 0 < found["gain_error"] < 0.01
    assert (found["moved"], found["price"]) == (0.2, 0.01)


def test_without_predictive_validity_the_margin_of_totals_decides():
    runners = [candidate("b", moved=0.1), candidate("c", "incumbent")]
    for ahead, reason in ((0.04, "noise"), (0.06, "ranking"), (0.0, "best")):
        totals = {"b": 0.5 + ahead, "c": 0.5}
        assert decide(runners[1], runners, totals, Evidence(), SETTINGS).reason == reason


def test_movers_are_counted_after_clusters_are_matched():
    before = np.array([0, 0, 0, 1, 1, 1, -1])
    assert moved_share(before, np.array([5, 5, 5, 2, 2, 2, 0])) == 0
    assert moved_share(before, np.array([5, 5, 2, 2, 2, 2, 2])) == pytest.approx(1 / 6)


def test_paired_error_is_that_of_the_difference_on_the_same_customers():
    shared = RNG.normal(0, 5, N)
    losses = Losses({"a": shared, "b": shared + 0.1 + 0.1 * NOISE}, SPREAD, 100)
    gain, error = losses.gain("a", "b")
    assert gain == pytest.approx(0.1)
    assert error == pytest.approx(0.1 * NOISE.std(ddof=1) / np.sqrt(N))
    assert losses.explained("a")[1] > 50 * error


def test_candidates_that_start_from_the_model_in_use_keep_its_clusters():
    centres = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    labels = np.repeat([2, 0, 1], 100)
    points = centres[labels] + RNG.normal(0, 1, (300, 2)) + 0.5
    settings = ModelSettings(k_min=2, stability_draws=2)
    (found,) = warm_start.continued(labels, {"all": points}, settings)
    assert (found.labels == labels).all()
    assert (found.k, found.representation, found.stability) == (3, "all", 1.0)
    assert warm_start.continued(np.zeros(300, dtype=int), {"all": points}, settings) == []
    gap = np.where(labels == 1, 2, labels)
    assert warm_start.continued(gap, {"all": points}, settings) == []


def test_a_challenger_without_losses_is_judged_by_totals():
    squared = {"c": np.full(N, 0.7)}
    runners = [candidate("b"), candidate("c", "incumbent")]
    known = Evidence(Losses(squared, SPREAD, 500))
    assert decide(runners[1], runners, {"b": 0.9, "c": 0.5}, known, SETTINGS).reason == "ranking"
    assert replace(known, losses=None).losses is None
