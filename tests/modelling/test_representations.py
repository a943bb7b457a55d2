"""Each representation against its definition; one case an entry."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score

from segmentation.modelling import prepare
from segmentation.modelling.assign import dumps, loads
from segmentation.modelling.representations import forecast, registry, transformers
from segmentation.modelling.representations.forecast import ForecastCache
from segmentation.modelling.representations.registry import (
    ALL,
    REPRESENTATIONS,
    TrainingSnapshot,
    cross_fitted,
    learned_again,
    represent,
)
from segmentation.modelling.representations.transformers import PercentileRanks
from segmentation.modelling.settings import REPRESENTATIONS as NAMES
from segmentation.modelling.settings import PreparationSettings

SETTINGS = PreparationSettings()


@pytest.fixture
def snapshot(shop) -> TrainingSnapshot:
    """The customers as they are, whose later spend depends on two of their features and on luck."""
    table, _ = shop
    rng = np.random.default_rng(0)
    foretold = np.log1p(table["spend"]) + 0.5 * np.log1p(table["orders"])
    spend = np.expm1(np.maximum(foretold + rng.normal(0, 1, len(table)) - 4, 0))
    return TrainingSnapshot(table, spend.to_numpy())


def test_settings_know_every_representation():
    assert set(REPRESENTATIONS) == set(NAMES)


def variances(matrix: pd.DataFrame, *names: str) -> pd.Series:
    return matrix[list(names)].var(ddof=0)


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        # the variance of a group is what the settings say
        ("all", lambda m: variances(m, "views", "carts", "dwell").sum() == pytest.approx(1)),
        # nothing else is left
        ("rfm", lambda m: list(m) == ["spend", "orders"]),
        # the first principal component of each group has variance 1
        (
            "balanced",
            lambda m: (
                np.linalg.eigvalsh(np.cov(m[["views", "carts", "dwell"]], rowvar=False, bias=True))[-1]
                == pytest.approx(1)
            ),
        ),
        # uncorrelated, the largest variance first
        ("pca", lambda m: np.allclose(np.triu(np.corrcoef(m, rowvar=False), 1), 0, atol=1e-6)),
        # all features, and one more that goes with what was spent
        (
            "forecast",
            lambda m: list(m)[-1] == "forecast" and m["forecast"].corr(np.log(m["spend"] + 5)) > 0.5,
        ),
        # the same beside recency, frequency and money only
        ("rfm_forecast", lambda m: list(m) == ["spend", "orders", "forecast"]),
    ],
)
def test_representation_is_what_it_says(shop, snapshot, name, holds):
    table, features = shop
    pipeline, matrix = represent(table, features, SETTINGS, [name], snapshot)[name]
    assert holds(matrix)
    pd.testing.assert_frame_equal(pipeline.transform(table), matrix)
    stored = loads(dumps(pipeline))
    pd.testing.assert_frame_equal(stored.transform(table), matrix)


def test_order_of_customers_changes_nothing(shop, snapshot):
    table, features = shop
    shuffled = table.sample(frac=1, random_state=1)
    made = represent(table, features, SETTINGS, NAMES, snapshot)
    for name, (_, matrix) in represent(shuffled, features, SETTINGS, NAMES, snapshot).items():
        pd.testing.assert_frame_equal(matrix, made[name][1])


def test_without_a_past_nothing_is_learned_and_all_is_always_there(shop):
    table, features = shop
    assert list(represent(table, features, SETTINGS, ["forecast", "rfm"])) == [ALL, "rfm"]


def test_representation_that_repeats_another_is_left_out(shop):
    table, features = shop
    spend = [feature for feature in features if feature.name == "spend"]
    one_weight = PreparationSettings(group_weights={})
    assert list(represent(table[["spend"]], spend, one_weight, ["rfm", "balanced"])) == [ALL]


def test_what_was_learned_from_customers_does_not_judge_them(shop):
    """Noise that is fitted must not look predictive: many columns, few customers, luck alone."""
    _, features = shop
    rng = np.random.default_rng(5)
    names = [f"f{i}" for i in range(60)]
    table = pd.DataFrame(rng.normal(size=(120, 60)), columns=names, index=[f"{i:03d}" for i in range(120)])
    luck = TrainingSnapshot(table, rng.lognormal(3, 1, 120))
    noise = [type(features[0])(name, "rfm", "linear") for name in names]
    pipeline, _ = represent(table, noise, SETTINGS, ["forecast"], luck)["forecast"]
    outcome = np.log1p(luck.spend)

    def agreement(shown: np.ndarray) -> float:
        return np.corrcoef(shown[:, -1], outcome)[0, 1]

    assert agreement(pipeline.transform(table).to_numpy()) > 0.3
    assert agreement(cross_fitted(pipeline, luck, seed=0)) < 0.15


def test_a_forecast_learned_again_is_of_the_last_horizon_and_leaves_the_rest(shop, snapshot):
    """Customers now spend what they spent the less of before."""
    table, features = shop
    preparation, matrix = represent(table, features, SETTINGS, ["forecast"], snapshot)["forecast"]
    reversed_spend = np.sort(snapshot.spend)[::-1][np.argsort(np.argsort(snapshot.spend))]
    again = learned_again(preparation, table, TrainingSnapshot(table, reversed_spend))
    fresh = again.transform(table.sort_index())
    pd.testing.assert_frame_equal(fresh.drop(columns="forecast"), matrix.drop(columns="forecast"))
    assert fresh["forecast"].corr(matrix["forecast"]) < -0.5
    assert again[-1].factor_ == preparation[-1].factor_
    same = learned_again(preparation, table, snapshot).transform(table.sort_index())
    np.testing.assert_allclose(same, matrix)


def test_a_preparation_without_a_forecast_learns_nothing_again(shop, snapshot):
    table, features = shop
    preparation, _ = represent(table, features, SETTINGS, [], snapshot)[ALL]
    assert learned_again(preparation, table, snapshot) is preparation


def test_what_was_learned_from_a_season_does_not_judge_it(shop):
    """The same of the customers of a year before, whom the forecast learns from as well."""
    _, features = shop
    rng = np.random.default_rng(6)
    names = [f"f{i}" for i in range(60)]

    def luck() -> TrainingSnapshot:
        table = pd.DataFrame(
            rng.normal(size=(120, 60)), columns=names, index=[f"{i:03d}" for i in range(120)]
        )
        return TrainingSnapshot(table, rng.lognormal(3, 1, 120))

    season = luck()
    both = replace(luck(), year_before=season)
    noise = [type(features[0])(name, "rfm", "linear") for name in names]
    pipeline, _ = represent(both.features, noise, SETTINGS, ["forecast"], both)["forecast"]
    outcome = np.log1p(season.spend)
    learned = pipeline.transform(season.features).to_numpy()[:, -1]
    assert np.corrcoef(learned, outcome)[0, 1] > 0.3
    assert np.corrcoef(cross_fitted(pipeline, both, 0, of="season")[:, -1], outcome)[0, 1] < 0.15


def test_what_is_learned_is_learned_once_for_all_representations(shop, snapshot):
    table, features = shop
    names = ["forecast", "rfm_forecast"]
    made = represent(table, features, SETTINGS, names, snapshot)
    one, other = (made[name][0][-1] for name in names)
    assert one.even_ is other.even_
    cache = ForecastCache()
    for name in names:
        alone = represent(table, features, SETTINGS, [name], snapshot)[name]
        pd.testing.assert_frame_equal(alone[1], made[name][1])
        shared = cross_fitted(made[name][0], snapshot, 0, cache=cache)
        np.testing.assert_array_equal(shared, cross_fitted(alone[0], snapshot, 0))


def test_what_can_be_foretold_is_found_in_the_snapshot(shop, snapshot):
    table, features = shop
    pipeline, _ = represent(table, features, SETTINGS, ["forecast"], snapshot)["forecast"]
    shown = cross_fitted(pipeline, snapshot, seed=0)[:, -1]
    outcome = np.log1p(snapshot.spend)
    slope, level = np.polyfit(shown, outcome, 1)
    assert r2_score(outcome, slope * shown + level) > 0.3


def test_percentile_rank_is_the_share_below_with_ties_in_the_middle():
    rng = np.random.default_rng(2)
    column = np.r_[np.zeros(500), rng.permutation(500) + 1.0]
    places = PercentileRanks().fit(column[:, None]).transform(column[:, None])[:, 0]
    assert places[:500] == pytest.approx(0.25, abs=0.002)
    assert places == pytest.approx((rankdata(column) - 0.5) / 1000, abs=0.002)
    beyond = PercentileRanks().fit(column[:, None]).transform([[-1.0], [1e9]])[:, 0]
    assert beyond == pytest.approx([0.25, 1], abs=0.002)


@pytest.mark.parametrize("rows", [1, 2, 999, 1_000, 1_001, 4_726])  # around the thousand that are kept
def test_percentile_ranks_know_the_values_that_numpy_selects(rows):
    values = np.random.default_rng(rows).normal(size=(rows, 3)).round(1)
    selected = np.quantile(values, np.linspace(0, 1, 1_001), axis=0, method="inverted_cdf")
    for known, column in zip(PercentileRanks().fit(values).values_, selected.T, strict=True):
        assert known.tolist() == np.unique(column).tolist()


def test_percentile_ranks_are_the_same_with_threads_and_without(monkeypatch):
    values = np.random.default_rng(3).normal(size=(200, 3))
    ranks = PercentileRanks().fit(values)
    in_one = ranks.transform(values)
    monkeypatch.setattr(transformers, "THREADED_ROWS", 0)
    assert ranks.transform(values).tolist() == in_one.tolist()


@pytest.mark.parametrize("depth", [3, 4])  # 4: a stored model may have another one
def test_forecast_is_what_scikit_learn_says_to_the_bit(depth):
    ranks = np.random.default_rng(4).random((2_500, 5))
    spent = np.log1p(50 * ranks[:, 0] * ranks[:, 1])
    even = RidgeCV().fit(ranks, spent)
    steps = HistGradientBoostingRegressor(max_depth=depth, max_iter=20, random_state=0).fit(ranks, spent)
    expected = (even.predict(ranks) + steps.predict(ranks)) / 2
    assert forecast._predict(even, steps, ranks).tolist() == expected.tolist()


@pytest.mark.parametrize(
    "column",
    [
        np.arange(5_000.0) % 731,
        np.arange(5_000.0) % 7 - 3,
        np.arange(5_000.0),
        np.arange(5_000.0) % 7 / 2,
        np.full(5_000, 3.0),
        # money: nothing, and a tail
        np.random.default_rng(0).lognormal(3, 2, 5_000).round(2) * (np.arange(5_000) % 3 > 0),
        # far apart, and many in one place
        np.concatenate([[-1e300, 1e-300, 1e300], np.random.default_rng(1).normal(size=4_997)]),
        np.concatenate([[0.0], 1e6 + np.arange(4_999.0)]),
    ],
)
def test_ranks_that_are_looked_up_are_those_that_are_searched_for(column):
    ranks = PercentileRanks().fit(column[::3, None])
    found = ranks.transform(column[:, None])[:, 0]
    assert found.tolist() == np.interp(column, ranks.values_[0], ranks.shares_[0]).tolist()


def foretold(shop: tuple, snapshot: TrainingSnapshot) -> np.ndarray:
    """The column that the forecast adds."""
    table, features = shop
    return represent(table, features, SETTINGS, ["forecast"], snapshot)["forecast"][1]["forecast"].to_numpy()


def test_shop_that_was_younger_then_is_foretold_alike(shop, snapshot):
    """Everybody had bought a third as much then, by a shorter history; who is above whom is the same."""
    younger = TrainingSnapshot(snapshot.features.assign(spend=snapshot.features["spend"] / 3), snapshot.spend)
    assert np.corrcoef(foretold(shop, younger), foretold(shop, snapshot))[0, 1] > 0.97


def test_season_is_learned_from_the_year_before(shop, snapshot):
    """The year before predicts what a horizon ago does not; that everybody bought less then is no matter."""
    luck = np.random.default_rng(4).permutation(snapshot.spend)
    coming = np.log1p(snapshot.spend)
    without = TrainingSnapshot(snapshot.features, luck)
    beside = TrainingSnapshot(
        snapshot.features, luck, year_before=TrainingSnapshot(snapshot.features, snapshot.spend / 2)
    )
    assert abs(np.corrcoef(foretold(shop, without), coming)[0, 1]) < 0.3
    assert np.corrcoef(foretold(shop, beside), coming)[0, 1] > 0.5


def test_blocks_of_customers_make_the_same_matrices(shop, snapshot, monkeypatch):
    """Of a million customers what is fitted and made goes in blocks, and principal components by a summary."""
    table, features = shop
    at_once = represent(table, features, SETTINGS, NAMES, snapshot)
    for module in (prepare, registry, forecast):
        monkeypatch.setattr(module, "BLOCK_ROWS", 64)
    assert len(table) > 3 * 64
    in_blocks = represent(table, features, SETTINGS, NAMES, snapshot)
    assert list(in_blocks) == list(at_once)
    for name, (pipeline, matrix) in in_blocks.items():
        pd.testing.assert_frame_equal(matrix, at_once[name][1], rtol=0, atol=1e-12)
        pd.testing.assert_frame_equal(pipeline.transform(table), matrix, rtol=0, atol=1e-12)
    explained = [made["pca"][0][-1].explained_variance_ for made in (in_blocks, at_once)]
    np.testing.assert_allclose(*explained, rtol=1e-12)
