"""A frame of one's own: without Airflow, without a database, and with ids that stay."""

import doctest
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from segmentation import own_algorithm, segment_customers
from segmentation.analyst import own_frame
from segmentation.errors import SettingsError
from segmentation.settings import INCLUDE


def shop(seed=0, groups=((1, 200), (8, 60), (30, 5)), each=60):
    """Customers of known kinds: orders, days since the last, a country that says nothing."""
    chance = np.random.default_rng(seed)
    kinds = np.repeat(np.arange(len(groups)), each)
    means = np.array(groups)[kinds]
    return pd.DataFrame(
        {
            "orders": means[:, 0] + chance.integers(0, 3, len(kinds)),
            "recency_days": means[:, 1] + chance.integers(0, 20, len(kinds)),
            "country": chance.choice(["DE", "FR", "NL"], len(kinds)),
        },
        index=[f"c{n:03d}" for n in range(len(kinds))],
    )


def kinds_of(found, each=60):
    return [set(found.customers["segment"].iloc[n : n + each]) for n in range(0, 3 * each, each)]


def test_the_examples_hold():
    result = doctest.testmod(own_frame)
    assert (result.attempted > 5, result.failed) == (True, 0)


def test_kinds_are_found_and_the_number_of_them():
    found = segment_customers(shop(), columns=["orders", "recency_days"], algorithms=["kmeans", "ward"])
    assert [len(kind) for kind in kinds_of(found)] == [1, 1, 1]
    assert len(set.union(*kinds_of(found))) == 3
    assert found.leaderboard["chosen"].sum() == 1
    assert found.verdict


def test_an_algorithm_of_ones_own_is_searched_beside_the_others():
    quantiles = own_algorithm("by_recency", lambda X, k, seed: np.argsort(np.argsort(X[:, 1])) * k // len(X))
    found = segment_customers(
        shop(), k=3, columns=["orders", "recency_days"], algorithms=["kmeans", quantiles]
    )
    assert set(found.leaderboard["algorithm"]) == {"kmeans", "by_recency"}
    alone = segment_customers(shop(), k=3, columns=["orders", "recency_days"], algorithms=[quantiles])
    assert [len(kind) for kind in kinds_of(alone)] == [1, 1, 1]
    assert alone.model.algorithm == "by_recency"


def test_the_order_of_rows_changes_nothing():
    frame = shop()
    turned = segment_customers(frame[::-1], k=3, algorithms=["kmeans"])
    assert turned.customers.equals(segment_customers(frame, k=3, algorithms=["kmeans"]).customers)


def test_ids_stay_when_customers_do():
    first = segment_customers(shop(), k=3, columns=["orders", "recency_days"], algorithms=["kmeans"])
    named = first.customers["segment"] + 10
    again = segment_customers(
        shop(seed=1), k=3, columns=["orders", "recency_days"], algorithms=["ward"], before=named
    )
    assert (again.customers["segment"] == named).all()
    other = named.rename(lambda name: f"other {name}")
    new = segment_customers(
        shop(), k=3, columns=["orders", "recency_days"], algorithms=["ward"], before=other
    )
    assert set(new.customers["segment"]) & set(named) == set()


def test_others_are_labelled_alike():
    frame = shop()
    found = segment_customers(frame, k=3, columns=["orders", "recency_days"], algorithms=["kmeans"])
    assert found.label(frame)["segment"].equals(found.customers["segment"])
    newcomer = pd.DataFrame({"orders": [31], "recency_days": [9], "country": ["XX"]}, index=["new"])
    assert found.label(newcomer)["segment"].tolist() == [found.customers.loc["c179", "segment"]]


def test_customers_who_are_all_alike_are_one_segment():
    noise = pd.DataFrame({"a": np.random.default_rng(0).normal(size=300)}, index=range(300))
    found = segment_customers(noise.assign(a=1.0 * (noise["a"] > 9)), algorithms=["kmeans"])
    assert set(found.customers["segment"]) == {1}
    assert found.model is None
    assert set(found.label(noise)["segment"]) == {1}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"columns": ["orders", "spend"]}, "no column 'spend'"),
        ({"transforms": {"orders": "squared"}}, "unknown transform 'squared'"),
        ({"algorithms": ["kmean"]}, "algorithm 'kmean' is unknown"),
        ({"k": 1}, "k=1: expected a number of segments"),
    ],
    ids=lambda value: "",
)
def test_what_is_misspelt_is_named(asked, message):
    with pytest.raises(SettingsError, match=message):
        segment_customers(shop(), **asked)


def test_the_import_is_light_and_needs_neither_airflow_nor_a_database():
    code = (
        "import sys, segmentation; assert 'pandas' not in sys.modules; "
        "from segmentation import own_algorithm, segment_customers; "
        "print([m for m in ('airflow', 'psycopg2', 'sqlalchemy') if m in sys.modules])"
    )
    where = {**os.environ, "PYTHONPATH": str(INCLUDE)}
    run = subprocess.run([sys.executable, "-c", code], env=where, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
