"""Rules: a line that a person can read, and that is true of the customers it is about."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import f1_score

from segmentation.features import dictionary
from segmentation.segments import explain
from segmentation.segments.bounds import of_json, to_json
from segmentation.warehouse import db

KNOWN = {feature.name: feature for feature in dictionary.dictionary()}
WANTED = tuple(KNOWN[name] for name in ("recency_days", "spend_365d", "mean_rating", "gender"))


def shop(**columns) -> pd.DataFrame:
    size = len(next(iter(columns.values())))
    told = {"recency_days": [5.0] * size, "spend_365d": [5.0] * size, "mean_rating": [3.0] * size, **columns}
    return pd.DataFrame({**told, "gender": ["female"] * size}, index=[f"c{i}" for i in range(size)])


def explained(frame: pd.DataFrame, clusters: list[int], seed: int = 1) -> explain.Explanation:
    return explain.explain(frame, pd.Series(clusters, index=frame.index), WANTED, seed)


def rules(frame: pd.DataFrame, clusters: list[int], seed: int = 1) -> dict[int, str]:
    """The one rule of each cluster."""
    return {rule.cluster: rule.text for rule in explained(frame, clusters, seed).rules}


def holds(rule: str, frame: pd.DataFrame) -> pd.Series:
    """The customers of whom a rule is true."""
    told = re.sub(r"(\w+) (<=|>) (\S+) \(or unknown\)", r"(\1 \2 \3 or \1.isna())", rule)
    told = told.replace(" is unknown", ".isna()").replace(" is known", ".notna()")
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


def test_what_is_stated_of_the_rules_is_what_they_do():
    numbers = np.random.default_rng(5)
    frame = shop(
        recency_days=numbers.uniform(1, 90, 900),
        spend_365d=numbers.lognormal(4, 1, 900).round(2),
        mean_rating=np.where(numbers.random(900) < 0.3, np.nan, numbers.uniform(1, 5, 900)),
    )
    unclear = frame["recency_days"] + numbers.normal(0, 8, 900)
    clusters = np.where(
        unclear > 45, 0, np.where(frame["spend_365d"] > 60, 1, np.where(frame["mean_rating"] > 3, 2, 3))
    )
    found = explained(frame, list(clusters))
    assert {rule.cluster for rule in found.rules} == {0, 1, 2, 3}
    described = pd.Series(0, index=frame.index)
    for rule in found.rules:
        there = holds(rule.text, frame)
        described[there] += 1
        hits = int((clusters[frame.index.get_indexer(there)] == rule.cluster).sum())
        assert rule.customers == len(there)
        assert rule.precision == round(hits / len(there), 6)
        assert rule.recall == round(hits / int((clusters == rule.cluster).sum()), 6)
    assert set(described) == {1}  # everybody by one rule, nobody by two
    assert found.fidelity > 0.8
    assert not found.untold
    for cluster in range(4):
        own = found.of(cluster)
        assert len(own) in (1, 2, 3)
        assert list(own) == sorted(own, key=lambda rule: -rule.recall)


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
    assert found[1] == "spend_365d > 400"


def test_fidelity_is_that_of_customers_the_tree_was_not_shown():
    """Of clusters by lot a tree learns those that it is shown, and knows nothing of the others."""
    numbers = np.random.default_rng(7)
    frame = shop(recency_days=numbers.uniform(1, 90, 900), spend_365d=numbers.uniform(1, 900, 900))
    found = explained(frame, list(numbers.integers(0, 4, 900)))
    assert 0.15 < found.fidelity < 0.35
    assert found.untold == (0, 1, 2, 3)


def test_a_small_segment_among_large_ones_gets_a_rule_that_holds():
    """Without weights a shallow tree spends its leaves on the large ones."""
    numbers = np.random.default_rng(8)
    frame = shop(recency_days=numbers.uniform(1, 90, 3000), spend_365d=numbers.uniform(1, 900, 3000))
    blurred = frame["recency_days"] + numbers.normal(0, 10, 3000)
    small = (frame["recency_days"] < 12) & (frame["spend_365d"] > 700)
    clusters = np.where(small & (numbers.random(3000) < 0.9), 3, np.digitize(blurred, [30, 60]))
    found = explained(frame, list(clusters))
    assert {rule.cluster for rule in found.rules} == {0, 1, 2, 3}
    assert not found.untold


@pytest.mark.parametrize(
    ("threshold", "known", "expected"),
    [
        # whole numbers are asked for as such
        (2.5, [1, 2, 3, 4], 2.0),
        # nobody is between 450.5 and 500
        (450.5, [1.0, 2.5, 900.0], 500.0),
        # one digit would put customers on the other side, two do not
        (0.347, [0.1, 0.2, 0.31, 0.33, 0.36, 0.39], 0.35),
        # no rounding without harm: four digits
        (12.3456, [12.1, 12.33, 12.341, 12.3452, 12.349, 12.36], 12.35),
        (np.inf, [1.0, 2.0], np.inf),
    ],
)
def test_a_threshold_is_said_in_as_few_digits_as_do_no_harm(threshold, known, expected):
    assert explain.short_threshold(threshold, np.array(known, dtype=float)) == expected


@pytest.mark.parametrize(
    ("threshold", "step", "known", "expected"),
    [
        # four digits would be needed, but whole steps misplace few
        (12.3456, 1.0, list(np.linspace(1, 100, 1000)), 12.0),
        (0.12345, 0.01, list(np.linspace(0, 1, 1000)), 0.12),
        (4.321, 0.1, list(np.linspace(1, 30, 1000)), 4.3),
        # whole steps would put everybody on one side
        (0.347, 1.0, [0.1, 0.2, 0.31, 0.33, 0.36, 0.39], 0.35),
    ],
)
def test_a_threshold_is_whole_where_that_puts_few_on_the_other_side(threshold, step, known, expected):
    assert explain.short_threshold(threshold, np.array(known), step) == expected


def test_no_rule_is_made_of_what_nobody_would_say():
    features = (KNOWN["recency_days"], KNOWN["category_entropy_365d"])
    frame = pd.DataFrame({"recency_days": np.arange(90.0) % 7, "category_entropy_365d": np.arange(90.0)})
    clusters = pd.Series(np.repeat([0, 1], 45))
    for rule in explain.explain(frame, clusters, features, 1).rules:
        assert "entropy" not in rule.text


def test_each_bound_is_said_once_and_is_the_tightest():
    path = [
        ("recency_days", True, 90.0, False),
        ("spend_365d", False, 10.0, True),
        ("recency_days", True, 30.0, True),
        ("recency_days", False, 5.0, True),
        ("spend_365d", False, 2.0, True),
    ]
    assert explain.words(path) == "recency_days <= 30 and recency_days > 5 and spend_365d > 10"
    assert explain.words(path, {"spend_365d", "recency_days"}) == (
        "recency_days <= 30 and recency_days > 5 and spend_365d > 10 (or unknown)"
    )
    assert explain.condition(path) == (
        'coalesce("recency_days" <= 30 and "recency_days" > 5, false) and '
        '("spend_365d" > 10 or "spend_365d" is null)'
    )


@pytest.mark.parametrize(
    ("bound", "expected", "condition"),
    [
        (
            ("spend_365d", True, 1234567.25, False),
            "spend_365d <= 1234567",
            'coalesce("spend_365d" <= 1234567, false)',
        ),
        (
            ("spend_365d", False, -12345.6, False),
            "spend_365d > -12346",
            'coalesce("spend_365d" > -12346, false)',
        ),
        (("spend_365d", True, 1234.56, False), "spend_365d <= 1235", 'coalesce("spend_365d" <= 1235, false)'),
        (
            ("recency_days", False, 0.00005, False),
            "recency_days > 0.00005",
            'coalesce("recency_days" > 0.00005, false)',
        ),
        (("mean_rating", True, np.inf, False), "mean_rating is known", '"mean_rating" is not null'),
        (("mean_rating", False, np.inf, True), "mean_rating is unknown", '"mean_rating" is null'),
        (("mean_rating", True, np.inf, True), "everybody", "true"),
    ],
)
def test_bounds_in_words_and_in_sql(bound, expected, condition):
    name, is_upper, threshold, with_unknown = bound
    path = [(name, is_upper, explain.readable(threshold), with_unknown)]
    assert explain.words(path) == expected
    assert explain.condition(path) == condition


@pytest.mark.parametrize("gaps", [set(), {"mean_rating"}])
def test_the_bounds_of_a_rule_are_true_of_the_same_customers_as_its_condition(gaps, warehouse):
    """The conditions kept as data are those of the tree, whatever its path."""
    numbers = np.random.default_rng(5)
    values = [None, 0.0, 1.5, 2.0, 3.0, 4.5, 5.0]
    for _ in range(60):
        path = [
            (
                name,
                bool(numbers.integers(2)),
                float(numbers.choice([1.5, 3.0, np.inf])),
                bool(numbers.integers(2)),
            )
            for name in numbers.choice(["mean_rating", "spend_365d"], numbers.integers(1, 5))
        ]
        asked = explain.ranges(path, gaps)
        if not all(one.known or one.unknown for one in asked):
            continue  # nobody at all: no tree has such a leaf
        assert of_json(json.loads(json.dumps(to_json(asked)))) == asked
        for customer in ({"mean_rating": a, "spend_365d": b} for a in values for b in values):
            columns = ", ".join(f"%({name})s::double precision as {name}" for name in customer)
            query = f"select ({explain.condition(path)}) from (select {columns}) as f"
            by_bounds = all(one.holds(customer[one.feature]) or False for one in asked)
            assert by_bounds == db.scalar(warehouse, query, customer), (path, customer)


def test_what_a_cluster_is_recognised_by_is_important_for_it():
    numbers = np.random.default_rng(6)
    frame = shop(recency_days=numbers.uniform(1, 90, 600), spend_365d=numbers.uniform(1, 900, 600))
    frame["mean_rating"] = numbers.uniform(1, 5, 600)
    near, rich = frame["recency_days"] < 30, frame["spend_365d"] > 450
    clusters = pd.Series(np.where(near, 7, np.where(rich, 1, 2)), index=frame.index)
    found = explain.importance(frame, clusters, WANTED, seed=3)
    assert found.loc[7, "recency_days"] > 0.4 > 0.1 > found.loc[7, "spend_365d"]
    assert found.loc[1, "spend_365d"] > 0.3
    assert (found["mean_rating"] < 0.1).all()
    assert (found >= 0).all().all()
    assert "gender" not in found


def test_loss_by_shuffling_is_that_of_scikit_learn():
    numbers = np.random.default_rng(8)
    X = numbers.normal(size=(400, 5)).astype(np.float32)
    X[::7, 1] = np.nan
    labels = np.array([2, 5, 9])
    own = (X[:, 0] > 0).astype(int) + (X[:, 2] > 0.5)
    forest = RandomForestClassifier(5, max_depth=3, random_state=1).fit(X[:200], labels[own[:200]])

    def f1_of_each(fitted, values, truth) -> dict[int, float]:
        found = f1_score(truth, fitted.predict(values), labels=labels, average=None, zero_division=0.0)
        return dict(zip(labels, found, strict=True))

    usual = permutation_importance(
        forest, X[200:], labels[own[200:]], scoring=f1_of_each, n_repeats=explain.SHUFFLES, random_state=4
    )
    found = explain._losses(forest, X[200:], own[200:], 4)
    assert found.max() > 0.1
    assert found == pytest.approx(np.array([usual[label]["importances_mean"] for label in labels]))


def test_the_same_customers_get_the_same_rules():
    numbers = np.random.default_rng(2)
    frame = shop(recency_days=numbers.uniform(1, 90, 200), spend_365d=numbers.uniform(1, 900, 200))
    clusters = list(numbers.integers(0, 4, 200))
    assert rules(frame, clusters, seed=3) == rules(frame, clusters, seed=3)
    renamed = {0: 12, 1: 10, 2: 11, 3: 13}
    assert set(rules(frame, [renamed[c] for c in clusters], seed=3)) == set(renamed.values())
