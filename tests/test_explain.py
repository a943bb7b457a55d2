"""Rules: a line that a person can read, and that is true of the customers it is about."""

import numpy as np
import pandas as pd
import pytest

from segmentation import explain, features

KNOWN = {feature.name: feature for feature in features.dictionary()}
WANTED = tuple(KNOWN[name] for name in ("recency_days", "spend_365d", "mean_rating", "gender"))


def shop(**columns) -> pd.DataFrame:
    size = len(next(iter(columns.values())))
    told = {"recency_days": [5.0] * size, "spend_365d": [5.0] * size, "mean_rating": [3.0] * size, **columns}
    return pd.DataFrame({**told, "gender": ["female"] * size}, index=[f"c{i}" for i in range(size)])


def rules(frame: pd.DataFrame, clusters: list[int], seed: int = 1) -> dict[int, str]:
    return explain.rules(frame, pd.Series(clusters, index=frame.index), WANTED, seed)


def holds(rule: str, frame: pd.DataFrame) -> pd.Series:
    """The customers of whom a rule is true."""
    told = rule.replace(" is unknown", ".isna()").replace(" is known", ".notna()")
    return frame.query(told, engine="python").index


def test_a_rule_is_true_of_its_cluster_and_of_no_other():
    numbers = np.random.default_rng(1)
    frame = shop(
        recency_days=np.r_[
            numbers.uniform(1, 30, 60), numbers.uniform(60, 90, 60), numbers.uniform(1, 30, 60)
        ],
        spend_365d=np.r_[numbers.uniform(500, 900, 120), numbers.uniform(1, 100, 60)],
    )
    clusters = [4] * 60 + [1] * 60 + [9] * 60
    found = rules(frame, clusters)
    assert set(found) == {1, 4, 9}
    for cluster, rule in found.items():
        assert list(holds(rule, frame)) == [
            c for c, own in zip(frame.index, clusters, strict=True) if own == cluster
        ]
        assert "gender" not in rule


def test_one_cluster_is_everybody():
    assert rules(shop(recency_days=[1.0, 2.0, 3.0]), [0, 0, 0]) == {0: "everybody"}


@pytest.mark.parametrize("customers", [1, 2])
def test_a_handful_of_customers_is_no_problem(customers):
    frame = shop(recency_days=[float(n) for n in range(customers)])
    assert set(rules(frame, list(range(customers)))) == set(range(customers))


def test_known_and_unknown_values_are_told_apart():
    frame = shop(mean_rating=[np.nan] * 20 + [3.0] * 20)
    found = rules(frame, [0] * 20 + [1] * 20)
    assert found == {0: "mean_rating is unknown", 1: "mean_rating is known"}
    assert list(holds(found[0], frame)) == list(frame.index[:20])


def test_a_feature_that_nobody_has_takes_no_part():
    frame = shop(recency_days=[1.0] * 10 + [9.0] * 10, mean_rating=[np.nan] * 20)
    assert rules(frame, [0] * 10 + [1] * 10) == {0: "recency_days <= 5", 1: "recency_days > 5"}


def test_a_small_cluster_has_a_rule_as_well():
    frame = shop(spend_365d=[1.0] * 190 + [900.0] * 10)
    found = rules(frame, [0] * 190 + [1] * 10)
    assert found[1] == "spend_365d > 450.5"


def test_each_bound_is_said_once_and_is_the_tightest():
    path = [
        ("recency_days", True, 90.0),
        ("spend_365d", False, 10.0),
        ("recency_days", True, 30.0),
        ("recency_days", False, 5.0),
        ("spend_365d", False, 2.0),
    ]
    assert explain._words(path) == "recency_days <= 30 and spend_365d > 10 and recency_days > 5"


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        (("spend_365d", True, 1234567.25), "spend_365d <= 1234567"),
        (("spend_365d", False, -12345.6), "spend_365d > -12346"),
        (("spend_365d", True, 1234.56), "spend_365d <= 1235"),
        (("recency_days", False, 0.5), "recency_days > 0.5"),
        (("mean_rating", True, np.inf), "mean_rating is known"),
        (("mean_rating", False, np.inf), "mean_rating is unknown"),
    ],
)
def test_bounds_in_words(bound, expected):
    assert explain._bound(*bound) == expected


def test_the_same_customers_get_the_same_rules():
    numbers = np.random.default_rng(2)
    frame = shop(recency_days=numbers.uniform(1, 90, 200), spend_365d=numbers.uniform(1, 900, 200))
    clusters = list(numbers.integers(0, 4, 200))
    assert rules(frame, clusters, seed=3) == rules(frame, clusters, seed=3)
    renamed = {0: 12, 1: 10, 2: 11, 3: 13}
    assert set(rules(frame, [renamed[c] for c in clusters], seed=3)) == set(renamed.values())
