"""The choice of a night, from its customers and the run's files: without Postgres."""

import json
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segmentation.errors import OverridesError
from segmentation.features import dictionary
from segmentation.modelling import assign
from segmentation.runs import erased
from segmentation.runs.night import Night
from segmentation.segments.chosen import Chosen
from segmentation.selection import candidates, choice, refit, room
from segmentation.selection.inputs import Inputs, ParentModel
from segmentation.settings import Settings

FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)
KINDS = np.repeat([0, 1, 2], 80)  # rare and cheap, often and cheap, often and dear
RNG = np.random.default_rng(0)
ALL_NUMBERS = tuple(f for f in dictionary.dictionary() if f.group in ("rfm", "trend"))


def silent(*_: object) -> None:
    """Progress that nobody reads."""


def customers() -> pd.DataFrame:
    """Customers of three kinds, every feature of the groups rfm and trend."""
    size = len(KINDS)
    often = np.where(KINDS == 0, 2, 30) + RNG.integers(0, 3, size)
    dear = np.where(KINDS == 2, 2000.0, 60.0) * RNG.lognormal(0, 0.1, size)
    recency = np.where(KINDS == 0, 200, 10) + RNG.integers(1, 9, size)
    frame = pd.DataFrame(index=pd.Index([f"c{n:03}" for n in range(size)], name="customer_id"))
    for feature in ALL_NUMBERS:
        frame[feature.name] = {"days": recency, "orders": often, "currency": dear}.get(feature.unit, 0 * dear)
    return frame.astype("float64")


INPUTS = Inputs(frame=customers(), features=ALL_NUMBERS, truth=KINDS, currency="EUR")


def night_of(folder: Path, day: date = FIRST, **model: object) -> Night:
    """A run whose warehouse is not there."""
    few = {"k_min": 2, "k_max": 4, "trials": 3, "stability_draws": 1, "min_customers": 50, **model}
    settings = Settings(shop={"name": "tiny", "source": "demo"}, model={**few, "representations": ["all"]})
    night = Night(f"run-{day}", day, settings, None, None, folder)
    night.folder.mkdir(parents=True)
    return night


def search(night: Night, inputs: Inputs = INPUTS, overrides: refit.Overrides | None = None) -> tuple:
    """Fit and choose."""
    (night.folder / refit.FILE).write_text(json.dumps(asdict(refit.Decision(True, "due"))))
    assert candidates.represent_all(night, inputs.frame, inputs.features, silent)
    candidates.fit(night, "kmeans", silent)
    return choice.choose(night, ["kmeans"], overrides, silent, inputs)


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> tuple[Night, Chosen, pd.DataFrame]:
    night = night_of(tmp_path_factory.mktemp("store"))
    return night, *search(night)


def going_on(night: Night, chosen: Chosen, assigned: pd.DataFrame) -> Inputs:
    """The same customers a night later: cluster n was published as segment 10 + n."""
    versions = [
        {**asdict(segment), "segment_id": 10 + segment.cluster, "generated_name": segment.name}
        for segment in chosen.segments
    ]
    before = assigned.set_index("customer_id")["cluster"] + 10
    parent = ParentModel(night.run_id, chosen.model_path, 0.9)
    known = {"parent": parent, "parent_date": night.as_of_date, "segments_before": before}
    return replace(INPUTS, versions_before=tuple(versions), **known)


def test_the_planted_kinds_are_chosen_and_everybody_is_labelled(first):
    night, chosen, assigned = first
    assert chosen.kind == "new"
    assert assigned["customer_id"].tolist() == INPUTS.frame.index.tolist()
    kinds = pd.crosstab(KINDS, assigned["cluster"].to_numpy())
    assert len(kinds.columns) == 3
    assert (kinds.gt(0).sum() == 1).all()
    revenue = [segment.revenue_365d for segment in chosen.segments]
    assert revenue == sorted(revenue, reverse=True)
    assert sum(segment.customers for segment in chosen.segments) == len(KINDS)
    assert (night.store / chosen.model_path).exists()
    assert chosen.leaderboard.loc[chosen.leaderboard["chosen"], "external_ari"].tolist() == [1.0]


def test_the_same_inputs_are_the_same_choice(first, tmp_path):
    _, chosen, assigned = first
    again, labels = search(night_of(tmp_path))
    pd.testing.assert_frame_equal(labels, assigned)
    assert again.segments == chosen.segments


def test_a_night_without_a_search_keeps_the_parents_labels_and_names(first):
    before, chosen, assigned = first
    night = night_of(before.store, SECOND)
    (night.folder / refit.FILE).write_text(json.dumps(asdict(refit.Decision(False, "little has changed"))))
    kept, labels = choice.keep(night, silent, going_on(before, chosen, assigned))
    assert kept.kind == "keep"
    assert kept.verdict == "kept without a search: little has changed"
    assert labels["cluster"].tolist() == assigned["cluster"].tolist()
    assert [segment.name for segment in kept.segments] == [segment.name for segment in chosen.segments]


def test_a_night_that_keeps_the_model_lets_go_of_as_many_as_there_is_room_for(first):
    """Ten are held in a segment that is not theirs, all who order most; without a date before all ten are."""
    before, chosen, assigned = first
    clusters = assigned.set_index("customer_id")["cluster"]
    own, other = clusters[KINDS == 2].iloc[0], clusters[KINDS == 0].iloc[0]
    held = clusters.index[KINDS == 2][:10]
    inputs = going_on(before, chosen, assigned)
    inputs = replace(
        inputs, segments_before=inputs.segments_before.mask(clusters.index.isin(held), 10 + other)
    )
    turned = pd.DataFrame(INPUTS.frame.to_numpy()[::-1], clusters.index, INPUTS.frame.columns)
    for number, (was, moves_by_calendar, move) in enumerate(
        [
            (None, 0.3, 0),
            (INPUTS.frame, 0.3, 0),  # nobody has moved by himself
            (turned, 0.0, 0),
            (turned, 0.02, 4),  # of 240 customers, nearly all of whom have moved
            (turned, 1.0, 10),
        ]
    ):
        night = night_of(before.store / f"n{number}", SECOND, border_without_order=1.0)
        model = night.settings.model.model_copy(update={"moves_by_calendar": moves_by_calendar})
        night = replace(
            night, settings=night.settings.model_copy(update={"model": model}), store=before.store
        )
        (night.folder / refit.FILE).parent.mkdir(parents=True, exist_ok=True)
        (night.folder / refit.FILE).write_text(
            json.dumps(asdict(refit.Decision(False, "little has changed")))
        )
        _, labels = choice.keep(night, silent, replace(inputs, rfm_before=was))
        labels = labels.set_index("customer_id")
        assert (labels.loc[held, "cluster"] == own).sum() == move
        assert (labels.loc[held, "confidence"] == 0).sum() == 10 - move


def test_a_segment_that_has_become_too_small_goes_to_its_nearest_and_the_others_stay(first):
    before, chosen, assigned = first
    night = night_of(before.store, date(2026, 3, 3), min_segment_share=0.05)
    whole = going_on(before, chosen, assigned)
    stays = np.flatnonzero(KINDS != 2).tolist() + np.flatnonzero(KINDS == 2)[:5].tolist()  # 5 of 165
    inputs = replace(whole, frame=INPUTS.frame.iloc[stays], truth=KINDS[stays], versions_before=())
    decided = refit.decided_on(night, refit.Overrides(), inputs, silent)
    assert "constraint" not in decided.reason
    (night.folder / refit.FILE).write_text(json.dumps(asdict(replace(decided, reason="little has changed"))))
    kept, labels = choice.keep(night, silent, inputs)
    assert (kept.kind, len(kept.segments)) == ("keep", 2)
    assert "segments of 3.03% of the customers had become too small" in kept.verdict
    assert kept.facts["folded"] == [pytest.approx(5 / 165)]
    by_kind = pd.crosstab(KINDS[stays], labels["cluster"].to_numpy())
    assert sorted(map(sorted, by_kind.to_numpy().tolist())) == [[0, 5], [0, 80], [0, 80]]
    model = assign.load_model(night.store / kept.model_path)
    assert (model.k, len(model.labeller.centres)) == (2, 2)


def test_a_model_that_is_gone_is_named(tmp_path):
    night = night_of(tmp_path, SECOND)
    (night.folder / refit.FILE).write_text(json.dumps(asdict(refit.Decision(False, "little has changed"))))
    with pytest.raises(LookupError, match="its parent's model, which is gone"):
        choice.keep(night, silent, INPUTS)


def test_the_model_in_use_takes_part_unless_a_refit_is_asked_for(first, tmp_path):
    before, chosen, assigned = first
    inputs = going_on(before, chosen, assigned)
    for force, name in ((False, "with"), (True, "without")):
        folder = tmp_path / name
        night = replace(night_of(folder, SECOND), store=folder)
        model = folder / chosen.model_path
        model.parent.mkdir(parents=True)
        model.symlink_to(before.store / chosen.model_path)
        found, _ = search(night, inputs, refit.Overrides(force_refit=force))
        assert ("incumbent" in set(found.leaderboard["algorithm"])) is not force


def after_spending(folder: Path, day: date, spend: np.ndarray) -> Night:
    """A run whose customers were the same a horizon ago, and have spent so much since."""
    night = night_of(folder, day)
    model = night.settings.model.model_copy(update={"representations": ("rfm_forecast",)})
    night = replace(night, settings=night.settings.model_copy(update={"model": model}))
    assert candidates.write_snapshot(night, INPUTS.frame, pd.Series(spend, INPUTS.frame.index))
    return night


@pytest.mark.parametrize(
    ("buyers", "is_learned"),
    [
        pytest.param(80, True, id="of the last horizon"),
        pytest.param(40, False, id="of too few buyers it is not"),
    ],
)
def test_a_night_that_searches_learns_the_forecast_of_the_model_in_use_again(tmp_path, buyers, is_learned):
    """Those who spent most have spent nothing since, and those who spent nothing have."""
    first = after_spending(tmp_path, FIRST, np.where(KINDS == 2, 500.0, 0.0))
    chosen, assigned = search(first)
    spend = np.where(np.arange(len(KINDS)) < buyers, 500.0, 0.0)
    second = after_spending(tmp_path, SECOND, spend)
    training = candidates.training_snapshot(second)
    inputs = going_on(first, chosen, assigned)
    stale, fresh = (refit.in_use(second, inputs, silent, shown) for shown in (None, training))
    assert (fresh.candidate.labeller.centres == stale.candidate.labeller.centres).all()
    (before, now) = (one.model.pipeline.transform(INPUTS.frame)["forecast"] for one in (stale, fresh))
    assert bool(before.corr(now) < 0) is is_learned
    assert np.allclose(before, now) is (not is_learned)


def test_there_is_room_for_as_many_as_move_by_themselves(tmp_path):
    """Nobody is elsewhere than a horizon ago; where the last third and the first change places, two thirds are."""
    night = after_spending(tmp_path, FIRST, np.where(KINDS == 2, 500.0, 0.0))
    inputs = going_on(night, *search(night))
    training = candidates.training_snapshot(night)
    before = refit.in_use(night, inputs, silent)
    assert room.of(night, before, inputs, training).left == 0.0
    was = pd.DataFrame(training.features.to_numpy()[::-1], inputs.frame.index, inputs.frame.columns)
    changed = room.of(night, before, inputs, replace(training, features=was))
    assert changed.allowed < 0.4  # the model in use moves many of them itself
    assert room.of(night, before, inputs, None) is None
    free = night.settings.model.model_copy(update={"moves_allowed": 0.0})
    free = replace(night, settings=night.settings.model_copy(update={"model": free}))
    assert room.of(free, before, inputs, training) is None


def test_the_room_of_a_night_is_a_share_of_those_who_move_by_themselves():
    rule = Settings(shop={"name": "tiny", "source": "demo"}).model
    frame = INPUTS.frame
    turned = pd.DataFrame(frame.to_numpy()[::-1], frame.index, frame.columns)
    all_of_them = room.tonight(frame, turned, rule)
    assert 0.5 * rule.moves_by_calendar < all_of_them <= rule.moves_by_calendar
    sample = turned.iloc[::2]
    assert room.tonight(frame, sample, rule) == pytest.approx(all_of_them, abs=0.05)
    assert room.tonight(frame, frame, rule) == 0.0
    assert room.tonight(frame.iloc[:0], turned, rule) == 0.0
    assert room.tonight(frame, None, rule) == 0.0
    assert room.tonight(frame.drop(columns="monetary"), turned, rule) == 0.0


def test_a_split_of_the_model_in_use_is_published_with_its_own_preparation(first, tmp_path, monkeypatch):
    before, chosen, assigned = first
    model = tmp_path / chosen.model_path
    model.parent.mkdir(parents=True)
    model.symlink_to(before.store / chosen.model_path)
    usual = choice.rule.choose
    monkeypatch.setattr(
        choice.rule,
        "choose",
        lambda runners, *rest: usual([one for one in runners if "split" in one.params], *rest),
    )
    night = night_of(tmp_path, SECOND)
    found, labels = search(night, going_on(before, chosen, assigned))
    assert (found.kind, labels["cluster"].nunique()) == ("new", 4)
    stays = labels["cluster"].to_numpy() == assigned["cluster"].to_numpy()
    assert stays[assigned["cluster"].to_numpy() != assigned["cluster"].to_numpy()[~stays][0]].all()
    old, new = (
        assign.load_model(night.store / chosen.model_path),
        assign.load_model(night.store / found.model_path),
    )
    assert new.columns == old.columns
    assert new.searched["made"]["as_of_date"] == str(SECOND)
    of_everybody = assign.assign(
        new, new.pipeline.transform(INPUTS.frame)
    )  # nobody is held for having ordered nothing
    assert of_everybody["label"].tolist() == labels["cluster"].tolist()


def test_who_is_erased_between_the_matrices_and_the_choice_is_left_out_of_it(first, tmp_path):
    """The night failed, for ever: a name that stands for the customer in the matrices is in no table."""
    before, chosen, assigned = first
    inputs = going_on(before, chosen, assigned)
    night = night_of(tmp_path, SECOND)
    model = tmp_path / chosen.model_path
    model.parent.mkdir(parents=True)
    model.symlink_to(before.store / chosen.model_path)
    (night.folder / refit.FILE).write_text(json.dumps(asdict(refit.Decision(True, "due"))))
    assert candidates.represent_all(night, inputs.frame, inputs.features, silent)
    candidates.fit(night, "kmeans", silent)
    erased.forget_in_files(night.store, {"c100": "erased 1234"}, [night.run_id])
    known = INPUTS.frame.index != "c100"
    left = replace(
        inputs,
        frame=INPUTS.frame[known],
        truth=KINDS[known],
        segments_before=inputs.segments_before[known],
    )
    found, labels = choice.choose(night, ["kmeans"], None, silent, left)
    assert labels["customer_id"].tolist() == INPUTS.frame.index[known].tolist()
    assert labels["cluster"].nunique() == 3
    assert sum(segment.customers for segment in found.segments) == len(KINDS) - 1
    assert found.leaderboard.loc[found.leaderboard["chosen"], "external_ari"].tolist() == [1.0]


def test_a_k_that_nobody_meets_publishes_nothing(tmp_path):
    night = night_of(tmp_path, min_segment_share=0.3)
    overrides = refit.Overrides(algorithms=("kmeans",), k=4)
    with pytest.raises(OverridesError, match="asked for: algorithm kmeans and k = 4"):
        search(night, overrides=overrides)
