"""Names of segments: unique, the same in any order, and said from what sets a segment apart."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from segmentation import features, naming
from segmentation.naming import Traits
from segmentation.settings import Lifecycle

BOUNDS = Lifecycle(new_tenure_days=60, cooling_recency_days=90, lapsed_recency_days=180)


def segment(cluster: int = 0, **columns) -> Traits:
    told = {
        "value_tier": "high",
        "lifecycle": "active",
        "phrases": (),
        "customers": 10,
        "median_spend_365d": 100.0,
        "median_recency_days": 20.0,
    }
    return Traits(cluster=cluster, **{**told, **columns})


traits = st.lists(
    st.builds(
        segment,
        cluster=st.integers(0, 99),
        value_tier=st.sampled_from(["low", "mid", "high"]),
        lifecycle=st.sampled_from(["new", "active"]),
        phrases=st.lists(st.sampled_from(["orders often", "sends much back", "older"]), unique=True).map(
            tuple
        ),
        customers=st.integers(1, 3),
        median_spend_365d=st.sampled_from([0.0, 10.0]),
        median_recency_days=st.sampled_from([1.0, 2.0]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda s: s.cluster,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(segments=traits, order=st.randoms(use_true_random=False))
def test_names_are_unique_and_do_not_depend_on_the_order(segments, order):
    named = naming.names(segments)
    assert set(named) == {s.cluster for s in segments}
    assert len(set(named.values())) == len(segments)
    for s in segments if len(segments) > 1 else ():
        assert named[s.cluster].startswith(f"{naming.TIERS[s.value_tier]} {s.lifecycle}")
    turned = list(segments)
    order.shuffle(turned)
    assert naming.names(turned) == named


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        # no structure: there is nothing to stand out from
        ([segment(4, phrases=("orders often",))], {4: "All customers"}),
        # nothing stands out
        ([segment(0), segment(1, value_tier="low")], {0: "High-value active", 1: "Low-value active"}),
        # what stands out most
        (
            [segment(0, phrases=("orders often", "older")), segment(1, value_tier="low")],
            {0: "High-value active, orders often", 1: "Low-value active"},
        ),
        # alike in the first phrase: the next one tells them apart
        (
            [
                segment(0, phrases=("orders often", "older")),
                segment(1, phrases=("orders often", "sends much back"), median_spend_365d=50.0),
            ],
            {0: "High-value active, older", 1: "High-value active, sends much back"},
        ),
        # alike in all: numbered, the one that spends more first
        (
            [segment(5), segment(3, median_spend_365d=500.0), segment(4, median_spend_365d=1.0)],
            {3: "High-value active", 5: "High-value active 2", 4: "High-value active 3"},
        ),
        # alike in words, but of another tier or life-cycle
        (
            [segment(0), segment(1, value_tier="low"), segment(2, lifecycle="lapsed")],
            {0: "High-value active", 1: "Low-value active", 2: "High-value lapsed"},
        ),
    ],
)
def test_a_name_says_what_sets_a_segment_apart(segments, expected):
    assert naming.names(segments) == expected


@pytest.mark.parametrize(
    ("spend", "tier"),
    [
        ([0, 5, 10], "low"),  # the median is not above the lower tercile
        ([0, 10.5, 99], "mid"),
        ([10, 20, 99], "mid"),
        ([20.5], "high"),
    ],
)
def test_the_median_customer_gives_the_value_tier(spend, tier):
    assert naming.value_tier(pd.Series(spend), (10.0, 20.0)) == tier


@pytest.mark.parametrize(
    ("recency", "tenure", "expected"),
    [
        ([10, 20, 900], [30, 60, 900], "new"),
        ([10, 20, 900], [30, 61, 900], "active"),
        ([90], [400], "active"),
        ([91], [91], "cooling"),
        ([180], [400], "cooling"),
        ([181], [400], "lapsed"),
    ],
)
def test_the_median_customer_gives_the_life_cycle(recency, tenure, expected):
    assert naming.lifecycle(pd.Series(recency), pd.Series(tenure), BOUNDS) == expected


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        # the farthest first, either way
        ({"frequency_orders": 1.0, "tenure_days": -2.0}, ("came recently", "orders often")),
        # near everybody is not worth saying
        ({"frequency_orders": 0.34, "tenure_days": 0.36}, ("long-standing",)),
        # unknown, or the same for all
        ({"frequency_orders": np.nan, "tenure_days": np.inf}, ()),
        # a feature without words for this side
        ({"order_gap_mean_days": 5.0}, ()),
        # as far as each other: by name
        ({"tenure_days": 1.0, "frequency_orders": 1.0}, ("orders often", "long-standing")),
    ],
)
def test_phrases_are_said_of_what_lies_far_from_everybody(effects, expected):
    assert naming.phrases(pd.Series(effects), features.dictionary()) == expected


def test_the_description_is_of_the_median_customer():
    told = segment(phrases=("orders often", "older", "pays full price", "left out"), median_spend_365d=1234.5)
    assert naming.description(told, 0.254, "GBP") == (
        "25% of customers; the median one spent 1,234 GBP in the last year and ordered 20 days ago; "
        "orders often, older, pays full price."
    )
    assert naming.description(segment(), 1.0, None).endswith(
        "spent 100 in the last year and ordered 20 days ago."
    )
