"""The refit policy: each reason, from a model and tonight's features alone."""

import json
from dataclasses import asdict, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs

from segmentation.features import dictionary
from segmentation.modelling import assign, drift
from segmentation.modelling.choose import choose
from segmentation.modelling.sampling import SearchSample
from segmentation.modelling.scores.table import score
from segmentation.modelling.settings import ModelSettings
from segmentation.runs.night import Night
from segmentation.selection import candidates, refit
from segmentation.settings import Settings

SETTINGS = Settings()
RNG = np.random.default_rng(0)
THEN = pd.DataFrame({"monetary": RNG.lognormal(4, 1, 1000), "country": RNG.choice(["DE", "FR"], 1000)})
SEARCHED = {"as_of_date": "2026-03-01", "customers": 1000, "histogram": drift.histogram(THEN)}
MODEL = assign.Model("kmeans k=4", "kmeans", {"k": 4}, 4, None, (), None, refit.shaping(SETTINGS), SEARCHED)
MOVED = THEN.assign(monetary=THEN["monetary"] * 3)


def due(model: assign.Model = MODEL, frame: pd.DataFrame = THEN, day: int = 2, **model_settings):
    changed = SETTINGS.model.model_copy(update=model_settings)
    return refit.due(model, frame, date(2026, 3, day), SETTINGS.model_copy(update={"model": changed}))


def test_a_night_after_the_search_on_which_little_has_changed_does_not_search():
    search, reason = due()
    assert not search
    assert "little has changed since the search of 2026-03-01" in reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"day": 8}, "the last search is 7 days old (at most 6)"),
        ({"frame": MOVED}, "monetary has moved from 50.62 to 152: PSI"),
        ({"frame": THEN.iloc[:900]}, "900 customers, 1,000 at the last search: 10% (at most 5%)"),
        ({"frame": THEN.rename(columns={"country": "region"})}, "has moved: PSI inf"),
        ({"k_max": 12}, "the settings have changed since the last search"),
        ({"model": replace(MODEL, searched={})}, "does not say what customers were like"),
    ],
    ids=["age", "drift", "growth", "other features", "settings", "model of an older version"],
)
def test_what_calls_for_a_search_is_said(changes, reason):
    search, words = due(**changes)
    assert search
    assert reason in words


def test_thresholds_are_settings():
    assert due(day=8, search_every_days=30)[1] == "the settings have changed since the last search"
    tolerant = SETTINGS.model_copy(
        update={"model": SETTINGS.model.model_copy(update={"search_every_days": 30, "search_above_psi": 9.0})}
    )
    model = replace(MODEL, settings=refit.shaping(tolerant))
    assert not refit.due(model, MOVED, date(2026, 3, 20), tolerant)[0]


def test_overrides_narrow_k_and_are_said(tmp_path):
    night = Night("run", date(2026, 3, 1), SETTINGS, None, None, tmp_path)
    overrides = refit.Overrides(("kmeans",), 6, True)
    model = overrides.applied(night).settings.model
    assert (model.k_min, model.k_max) == (6, 6)
    assert overrides.words() == "algorithm kmeans and k = 6 and a refit"
    assert refit.Overrides().words() == ""
    assert refit.Overrides().applied(night) is night


def test_the_best_of_each_algorithm_goes_along_with_the_model(tmp_path):
    board = pd.DataFrame(
        {
            "algorithm": ["kmeans", "kmeans", "incumbent", "ward", "kmeans"],
            "representation": ["all", "rfm", "incumbent", "all", "all"],
            "parameters": ['{"k": 5}', '{"k": 3}', "{}", '{"k": 4}', '{"k": 9}'],
            "rank": pd.array([2, 1, 3, None, 4], dtype="Int64"),
        }
    )
    night = Night("run", date(2026, 3, 1), SETTINGS, None, None, tmp_path)
    made = refit.today(THEN, night, board)
    assert made["best"] == {"kmeans": {"rfm": [{"k": 3}], "all": [{"k": 5}]}}
    assert (made["as_of_date"], made["customers"]) == ("2026-03-01", 1000)


def test_a_model_owes_what_it_moved_for_as_long_as_it_is_kept(tmp_path):
    night = Night("run", date(2026, 3, 1), SETTINGS, None, None, tmp_path)
    board = pd.DataFrame({"algorithm": [], "representation": [], "parameters": [], "rank": []})
    new = replace(MODEL, searched=refit.today(THEN, night, board, moved=0.2))
    kept = replace(
        MODEL, searched=refit.today(THEN, replace(night, as_of_date=date(2026, 3, 8)), board, new, 0.3)
    )
    assert (refit.moves_owed(new), refit.moves_owed(kept)) == (0.2, 0.2)
    assert refit.age_days(kept, date(2026, 3, 8)) == 7
    assert refit.moves_owed(MODEL) == 0.0  # of a version that did not say


@pytest.mark.parametrize(
    ("day", "moved", "once", "own"),
    [
        pytest.param(date(2026, 3, 31), 0.2, True, True, id="in its quarter"),
        pytest.param(date(2026, 4, 1), 0.2, True, False, id="in the next one"),
        pytest.param(date(2027, 3, 1), 0.2, True, False, id="in that of a year later"),
        pytest.param(date(2026, 3, 31), 0.0, True, False, id="a first model has replaced none"),
        pytest.param(date(2026, 3, 31), 0.2, False, False, id="as often as you like"),
    ],
)
def test_a_model_is_its_quarters_own_where_it_replaced_another_in_it(day, moved, once, own):
    made = {"as_of_date": "2026-03-01", "moved": moved}
    settings = ModelSettings(replaced_once_a_quarter=once)
    assert refit.is_replaced_this_quarter(replace(MODEL, searched={"made": made}), day, settings) is own


def test_a_second_search_tries_first_what_ranked_highest_in_the_first(tmp_path):
    few = SETTINGS.model.model_copy(update={"k_min": 2, "k_max": 8, "trials": 8, "stability_draws": 1})
    settings = SETTINGS.model_copy(update={"model": few})
    points = make_blobs(240, n_features=3, centers=5, cluster_std=0.8, random_state=2)[0]
    matrix = pd.DataFrame(points, [f"{i:04d}" for i in range(240)], ["a", "b", "c"])
    algorithms = ["kmeans", "gaussian_mixture", "dbscan"]

    def search(day: int, first: dict) -> tuple[assign.Model, dict[str, list[dict]]]:
        """A night's fits and choice: what is kept of the winner, the trials of each algorithm in order."""
        night = Night(f"run{day}", date(2026, 3, day), settings, None, None, tmp_path)
        night.folder.mkdir(parents=True)
        (night.folder / refit.FILE).write_text(json.dumps(asdict(refit.Decision(True, "due", first))))
        (night.folder / candidates.FITTED_FILE).write_text('["all", "rfm"]')
        for name in ("all", "rfm"):
            with (night.folder / candidates.SEARCH_SAMPLE.format(name)).open("wb") as file:
                SearchSample.of(matrix if name == "all" else matrix[["a", "b"]], few).write(file)
        for algorithm in algorithms:
            candidates.fit(night, algorithm)
        fitted = candidates.load(night, algorithms)
        chosen = choose(fitted, score(fitted, matrix, few), few)
        searched = refit.today(matrix, night, chosen.leaderboard)
        assign.save_model(assign.make_model(chosen.winner, matrix, searched=searched), night.folder / "model")
        tried: dict[str, list[dict]] = {}
        for candidate in fitted:
            tried.setdefault(f"{candidate.algorithm} {candidate.representation}", []).append(candidate.params)
        return assign.load_model(night.folder / "model"), tried

    before, tried = search(1, {})
    best = before.searched["best"]
    assert set(best) == set(algorithms)
    again = search(8, best)[1]
    by_task = {
        f"{algorithm} {name}": first for algorithm in best for name, (first,) in best[algorithm].items()
    }
    assert {"kmeans all", "kmeans rfm", "gaussian_mixture all", "dbscan all"} <= set(by_task)
    assert {task: trials[0] for task, trials in again.items() if task in by_task} == by_task
    # which is not where a search begins by itself
    assert any(tried[task][0] != first for task, first in by_task.items())


def test_behaviour_that_has_moved_since_the_model_was_new_is_told_with_both_middles():
    """Growth by the calendar is no drift: lifetimes, and windows that the shop had not filled by then."""
    known = {feature.name: feature for feature in dictionary.dictionary()}
    features = [known[name] for name in ("monetary", "tenure_days", "spend_90d", "spend_365d")]
    spend = RNG.lognormal(4, 1, 1000)
    then = pd.DataFrame({"monetary": spend, "tenure_days": 100.0, "spend_90d": spend, "spend_365d": spend})
    now = 3 * then.assign(tenure_days=132 / 3)
    new = {"as_of_date": "2026-03-01", "histogram": drift.histogram(then)}
    made = replace(MODEL, searched={**SEARCHED, "as_of_date": "2026-04-01", "made": new})
    (found,) = refit.drifted(made, now, features, date(2026, 4, 2), SETTINGS)
    assert found.feature == "spend_90d"
    assert found.psi > 0.2
    assert found.now == pytest.approx(3 * found.before, rel=0.02)
    assert refit.drifted(made, then.assign(tenure_days=132.0), features, date(2026, 4, 2), SETTINGS) == []
    assert refit.age_days(made, date(2026, 4, 2)) == 32


def test_a_text_that_has_moved_is_told_by_the_share_of_what_was_commonest():
    then = pd.DataFrame({"country": ["DE"] * 60 + ["FR"] * 40})
    now = pd.DataFrame({"country": ["DE"] * 10 + ["FR"] * 90})
    assert drift.middle(drift.histogram(then), now, "country") == (0.6, 0.1)
    assert drift.middle({}, now, "country") == (None, None)
