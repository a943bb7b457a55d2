"""Profiles: what the customers of a cluster are like, next to everybody."""

import numpy as np
import pandas as pd
import pytest

from segmentation.features import dictionary
from segmentation.segments import naming, profiles
from segmentation.settings import Lifecycle

KNOWN = {feature.name: feature for feature in dictionary.dictionary()}
WANTED = tuple(KNOWN[name] for name in ("recency_days", "spend_365d", "tenure_days", "mean_rating", "gender"))


@pytest.fixture
def frame() -> pd.DataFrame:
    """Four customers in cluster 7, two in cluster 3; ratings of some are unknown."""
    return pd.DataFrame(
        {
            "recency_days": [1.0, 2.0, 3.0, 4.0, 200.0, 300.0],
            "spend_365d": [100.0, 200.0, 300.0, 400.0, -10.0, 0.0],
            "tenure_days": [50.0, 50.0, 50.0, 50.0, 50.0, 50.0],
            "mean_rating": [5.0, np.nan, np.nan, 3.0, np.nan, np.nan],
            "gender": ["female", None, "male", None, "male", "male"],
        },
        index=pd.Index(list("abcdef"), name="customer_id"),
    )


@pytest.fixture
def clusters(frame) -> pd.Series:
    return pd.Series([7, 7, 7, 7, 3, 3], index=frame.index)


def of(table: pd.DataFrame, cluster: int, feature: str) -> pd.Series:
    (row,) = (r for _, r in table.iterrows() if (r["cluster"], r["feature"]) == (cluster, feature))
    return row


def test_statistics_are_those_of_the_cluster(frame, clusters):
    table = profiles.profiles(frame, clusters, WANTED)
    spend = of(table, 7, "spend_365d")
    assert (spend["mean"], spend["median"]) == (250, 250)
    assert (spend["p10"], spend["p90"]) == (130, 370)
    everybody = (100 + 200 + 300 + 400 - 10) / 6
    assert spend["index_vs_all"] == pytest.approx(100 * 250 / everybody, abs=1e-5)
    assert of(table, 3, "spend_365d")["index_vs_all"] == pytest.approx(100 * -5 / everybody, abs=1e-5)


def test_there_is_a_row_for_each_cluster_and_number_and_none_for_categories(frame, clusters):
    table = profiles.profiles(frame, clusters, WANTED)
    assert list(table.columns) == [
        "cluster", "feature", "mean", "median", "p10", "p90", "index_vs_all", "importance", "effect",
        "direction", "mean_all", "median_all",
    ]  # fmt: skip
    assert sorted(zip(table["cluster"], table["feature"], strict=True)) == [
        (cluster, name)
        for cluster in (3, 7)
        for name in ("mean_rating", "recency_days", "spend_365d", "tenure_days")
    ]


def test_unknown_values_count_for_nothing(frame, clusters):
    table = profiles.profiles(frame, clusters, WANTED)
    assert of(table, 7, "mean_rating")["mean"] == 4
    assert of(table, 3, "mean_rating")[["mean", "median", "effect"]].isna().all()
    nobody_rates = profiles.profiles(frame.assign(mean_rating=np.nan), clusters, WANTED)
    assert "mean_rating" not in set(nobody_rates["feature"])


def test_a_feature_that_is_the_same_for_all_has_no_importance(frame, clusters):
    table = profiles.profiles(frame, clusters, WANTED)
    assert of(table, 7, "tenure_days")["importance"] == 0
    assert of(table, 7, "tenure_days")["index_vs_all"] == 100


def test_the_index_is_unknown_where_everybody_is_not_above_zero(frame, clusters):
    table = profiles.profiles(frame.assign(spend_365d=-frame["spend_365d"]), clusters, WANTED)
    assert table.loc[table["feature"] == "spend_365d", "index_vs_all"].isna().all()


def test_effects_are_standard_deviations_from_everybody(frame, clusters):
    effects = profiles.effects(frame, clusters, WANTED)
    rating = frame["mean_rating"]
    assert effects.loc[7, "mean_rating"] == pytest.approx((4 - rating.mean()) / rating.std(ddof=0))
    logs = np.log1p(frame["recency_days"])  # heavy tails are compared on a log scale
    assert effects.loc[3, "recency_days"] == pytest.approx(
        (logs[["e", "f"]].mean() - logs.mean()) / logs.std(ddof=0)
    )
    sizes = clusters.value_counts()
    assert (effects["recency_days"] * sizes).sum() == pytest.approx(0)


def test_direction_and_size_are_against_everybody(frame, clusters):
    table = profiles.profiles(frame, clusters, WANTED)
    effects = profiles.effects(frame, clusters, WANTED)
    for cluster, direction in ((3, "higher"), (7, "lower")):
        row = of(table, cluster, "recency_days")
        assert row["effect"] == pytest.approx(effects.loc[cluster, "recency_days"], abs=1e-6)
        assert (row["direction"], row["mean_all"], row["median_all"]) == (direction, 85, 3.5)
    assert of(table, 3, "tenure_days")["direction"] == "alike"


def test_the_order_of_customers_changes_nothing(frame, clusters):
    turned = frame.iloc[::-1]
    pd.testing.assert_frame_equal(
        profiles.profiles(turned, clusters.loc[turned.index], WANTED),
        profiles.profiles(frame, clusters, WANTED),
    )


def test_traits_are_of_the_median_customer(frame, clusters):
    cold, warm = profiles.traits(frame, clusters, WANTED, Lifecycle())
    assert (cold.cluster, warm.cluster) == (3, 7)
    assert (cold.value_tier, cold.lifecycle, cold.customers) == ("low", "lapsed", 2)
    assert (warm.value_tier, warm.lifecycle, warm.customers) == ("high", "new", 4)
    assert (warm.median_spend_365d, warm.median_recency_days) == (250, 2.5)
    assert "recency_days+" in cold.traits
    assert "recency_days-" in warm.traits


@pytest.mark.parametrize(("once", "expected"), [(7, "Low-value lapsed"), (8, "One-time buyers")])
def test_a_name_that_says_what_each_of_them_is_is_true_of_three_quarters(once, expected):
    """Of ten lapsed customers more than half ordered once; the others ordered ten times and more."""
    frame = pd.DataFrame(
        {
            "recency_days": [400.0] * 10 + [5.0] * 10,
            "tenure_days": [900.0] * 20,
            "spend_365d": [0.0] * 10 + [500.0] * 10,
            "mean_rating": np.nan,
            "gender": None,
            "frequency_orders": [1.0] * once + [10.0 + n for n in range(20 - once)],
        }
    )
    lapsed, _ = profiles.traits(frame, pd.Series([0] * 10 + [1] * 10), WANTED, Lifecycle())
    assert lapsed.shares["one_time_buyers"] == once / 10
    assert lapsed.name().text() == expected


def test_a_trait_is_said_where_it_is_of_most_and_not_where_the_mean_is_that_of_a_few():
    """Three of ten buy at a discount, of the others nobody: most of both are like most customers, who do not."""
    frame = pd.DataFrame(
        {
            "recency_days": [10.0] * 20,
            "tenure_days": [900.0] * 20,
            "spend_365d": [100.0] * 20,
            "mean_rating": np.nan,
            "gender": None,
            "discount_share": [0.9] * 3 + [0.0] * 17,
        }
    )
    clusters = pd.Series([0] * 10 + [1] * 10)
    wanted = (*WANTED, KNOWN["discount_share"])
    effects = profiles.effects(frame, clusters, wanted)["discount_share"]
    assert effects[0] > naming.FAR and effects[1] < -naming.FAR
    some, none = profiles.traits(frame, clusters, wanted, Lifecycle())
    assert (some.above["discount_share"], none.above["discount_share"]) == (0.65, 0.5)
    assert "discount_share+" in some.traits
    assert none.traits == ()


def test_a_share_is_of_all_customers_of_the_segment_also_where_a_value_is_unknown(frame, clusters):
    unknown = frame.assign(frequency_orders=[1.0, np.nan, 1.0, 2.0, 1.0, 1.0])
    shares = profiles.shares(unknown, clusters)
    assert shares["one_time_buyers"].to_dict() == {3: 1.0, 7: 0.5}
    assert "one_time_buyers" not in profiles.shares(frame, clusters)


def test_one_customer_is_a_profile(frame):
    alone = frame.iloc[:1]
    table = profiles.profiles(alone, pd.Series([0], index=alone.index), WANTED)
    assert of(table, 0, "spend_365d")["mean"] == of(table, 0, "spend_365d")["p90"] == 100
    assert set(table["importance"]) == {0}
    (only,) = profiles.traits(alone, pd.Series([0], index=alone.index), WANTED, Lifecycle())
    assert (only.traits, only.customers) == ((), 1)


def test_the_best_customers_of_before_are_worth_what_they_were():
    frame = pd.DataFrame(
        {
            "spend_365d": [0.0, 900.0, 100.0, 50.0],
            "monetary": [3000.0, 900.0, 1000.0, 50.0],
            "tenure_days": [1200.0, 300.0, 3700.0, 20.0],
            "recency_days": [470.0, 10.0, 50.0, 20.0],
        },
        index=["lost best", "new best", "loyal", "once"],
    )
    assert profiles.worth(frame).to_dict() == {
        "lost best": 1500.0, "new best": 900.0, "loyal": 100.0, "once": 50.0,
    }  # fmt: skip
