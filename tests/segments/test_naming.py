"""Names of segments: unique, the same in any order, and said from what sets a segment apart."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from segmentation.features import dictionary
from segmentation.language.texts import speaking
from segmentation.segments import naming, profiles
from segmentation.segments.naming import FAR, Name, Traits
from segmentation.settings import Lifecycle

BOUNDS = Lifecycle(new_tenure_days=60, cooling_recency_days=90, lapsed_recency_days=180)


# traits and what is said of them; such that the vocabulary has no name for who has them
OFTEN, BACK, OLDER = "product_repeat_share_365d+", "return_rate+", "age_years+"


def signed(distances: dict[str, float]) -> dict[str, float]:
    """Effects that give these distances."""
    return {trait[:-1]: far if trait.endswith("+") else -far for trait, far in distances.items()}


def segment(cluster: int = 0, traits: tuple[str, ...] = (), **columns) -> Traits:
    """A segment; of its traits the first is the farthest from everybody, the last two FAR away."""
    told = {
        "value_tier": "high",
        "lifecycle": "active",
        "effects": signed({trait: FAR * (len(traits) + 1 - place) for place, trait in enumerate(traits)}),
        "customers": 10,
        "median_spend_365d": 100.0,
        "median_recency_days": 20.0,
    }
    return Traits(cluster=cluster, **{**told, **columns})


def texts(segments: list[Traits]) -> dict[int, str]:
    return {cluster: name.text() for cluster, name in naming.names(segments).items()}


traits = st.lists(
    st.builds(
        segment,
        cluster=st.integers(0, 99),
        value_tier=st.sampled_from(["low", "mid", "high"]),
        lifecycle=st.sampled_from(["lapsed", "active"]),
        traits=st.lists(st.sampled_from([OFTEN, BACK, OLDER]), unique=True).map(tuple),
        customers=st.integers(1, 3),
        median_spend_365d=st.sampled_from([0.0, 10.0]),
        median_recency_days=st.sampled_from([1.0, 2.0]),
        before=st.none()
        | st.builds(
            Name,
            st.sampled_from(["low", "high"]),
            st.sampled_from(["lapsed", "active"]),
            st.sampled_from([None, OFTEN, BACK]),
            st.integers(1, 2),
        ),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda s: s.cluster,
)


@settings(max_examples=200, deadline=None)
@given(segments=traits, order=st.randoms(use_true_random=False))
def test_names_are_unique_and_do_not_depend_on_the_order(segments, order):
    named = texts(segments)
    assert set(named) == {s.cluster for s in segments}
    assert len(set(named.values())) == len(segments)
    for s in segments if len(segments) > 1 else ():
        lost = s.value_tier == "high" and s.lifecycle == "lapsed"
        head = "Lost best customers" if lost else f"{naming.TIERS[s.value_tier]} {s.lifecycle}"
        assert named[s.cluster].startswith(head)
    turned = list(segments)
    order.shuffle(turned)
    assert texts(turned) == named
    with speaking("zh"):
        assert len(set(texts(segments).values())) == len(segments)


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        # no structure: there is nothing to stand out from
        ([segment(4, traits=(OFTEN,))], {4: "All customers"}),
        # nothing stands out
        ([segment(0), segment(1, value_tier="low")], {0: "High-value active", 1: "Low-value active"}),
        # what stands out most
        (
            [segment(0, traits=(OFTEN, OLDER)), segment(1, value_tier="low")],
            {0: "High-value active, buys the same again", 1: "Low-value active"},
        ),
        # alike in the first phrase: the next one tells them apart
        (
            [
                segment(0, traits=(OFTEN, OLDER)),
                segment(1, traits=(OFTEN, BACK), median_spend_365d=50.0),
            ],
            {0: "High-value active, older", 1: "High-value active, sends much back"},
        ),
        # far from everybody, but less so than its sibling
        (
            [
                segment(0, effects=signed({OFTEN: 2.0, OLDER: 0.5})),
                segment(1, effects=signed({OFTEN: 1.0, OLDER: 1.0}), median_spend_365d=50.0),
            ],
            {0: "High-value active, buys the same again", 1: "High-value active, older"},
        ),
        # each of two tells it apart from one sibling
        (
            [
                segment(0, effects=signed({OFTEN: 1.0, OLDER: 1.0})),
                segment(1, effects=signed({OFTEN: 2.0}), median_spend_365d=50.0),
                segment(2, effects=signed({OLDER: 2.0}), median_spend_365d=40.0),
            ],
            {
                0: "High-value active, older, buys the same again",
                1: "High-value active, buys the same again",
                2: "High-value active, older",
            },
        ),
        # nothing has words: what it has more or less of
        (
            [
                segment(0, effects={"order_gap_mean_days": 0.2}),
                segment(1, effects={"order_gap_mean_days": -0.2}, median_spend_365d=50.0),
            ],
            {
                0: "High-value active, more days between orders",
                1: "High-value active, fewer days between orders",
            },
        ),
        # near to everybody, but on the side that the words say, and its sibling is not: no comparison is needed
        (
            [
                segment(0, effects={"average_order_value": 0.2}),
                segment(1, effects={"average_order_value": -0.6}, median_spend_365d=50.0),
            ],
            {0: "High-value active, large orders", 1: "High-value active, small orders"},
        ),
        (
            [
                segment(0, effects={"average_order_value": -0.1}),
                segment(1, effects={"average_order_value": -0.9}, median_spend_365d=50.0),
            ],
            {0: "High-value active, higher average order value", 1: "High-value active, small orders"},
        ),
        # one order is neither often nor rarely, and has no trend: the name says so already
        (
            [
                segment(
                    cluster,
                    lifecycle="lapsed",
                    value_tier="mid",
                    shares={"one_time_buyers": 0.8},
                    effects={"average_order_value": sign * 0.4, "spend_trend_90d": -sign * 1.0},
                    median_spend_365d=50.0 * sign,
                )
                for cluster, sign in enumerate((1, -1))
            ],
            {0: "One-time buyers, large orders", 1: "One-time buyers, small orders"},
        ),
        # nobody who has left orders often, or less than lately
        (
            [
                segment(0, lifecycle="lapsed", effects=signed({"frequency_orders+": 1.0, OLDER: 0.3})),
                segment(
                    1,
                    lifecycle="lapsed",
                    effects=signed({"spend_trend_90d-": 1.0, BACK: 0.3}),
                    median_spend_365d=50.0,
                ),
            ],
            {0: "Lost best customers, older", 1: "Lost best customers, sends much back"},
        ),
        # the vocabulary has a name for it
        (
            [segment(0, lifecycle="lapsed"), segment(1, effects={"frequency_orders": 1.1})],
            {0: "Lost best customers", 1: "Champions"},
        ),
        (
            [
                segment(0, lifecycle="lapsed", value_tier="low", shares={"one_time_buyers": 0.8}),
                segment(1, lifecycle="lapsed", value_tier="low", shares={"one_time_buyers": 0.7}),
            ],
            {0: "One-time buyers", 1: "Low-value lapsed"},
        ),
        # alike in all: numbered, the one that spends more first
        (
            [segment(5), segment(3, median_spend_365d=500.0), segment(4, median_spend_365d=1.0)],
            {3: "High-value active", 5: "High-value active 2", 4: "High-value active 3"},
        ),
        # alike in words, but of another tier or life-cycle
        (
            [segment(0), segment(1, value_tier="low"), segment(2, lifecycle="lapsed")],
            {0: "High-value active", 1: "Low-value active", 2: "Lost best customers"},
        ),
    ],
)
def test_a_name_says_what_sets_a_segment_apart(segments, expected):
    assert texts(segments) == expected


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
    ("spend", "before", "tier"),
    [
        (19.0, "high", "high"),  # less than a tenth below the bound
        (17.9, "high", "mid"),
        (10.9, "low", "low"),
        (11.1, "low", "mid"),
        (9.1, "mid", "mid"),
        (8.9, "mid", "low"),
        (21.9, "mid", "mid"),
        (99.0, "low", "high"),
    ],
)
def test_a_segment_that_goes_on_stays_in_its_tier_near_the_bound(spend, before, tier):
    assert naming.value_tier(pd.Series([spend]), (10.0, 20.0), before) == tier


@pytest.mark.parametrize(
    ("recency", "tenure", "before", "expected"),
    [
        (98, 400, "active", "active"),
        (100, 400, "active", "cooling"),
        (82, 400, "cooling", "cooling"),
        (80, 400, "cooling", "active"),
        (197, 400, "cooling", "cooling"),
        (165, 400, "lapsed", "lapsed"),
        (161, 400, "lapsed", "cooling"),
        (10, 65, "new", "new"),
        (10, 67, "new", "active"),
        (10, 55, "active", "active"),
    ],
)
def test_a_segment_that_goes_on_stays_in_its_stage_near_the_bound(recency, tenure, before, expected):
    found = naming.lifecycle(pd.Series([recency]), pd.Series([tenure]), BOUNDS, before)
    assert found == expected


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
        ({"frequency_orders": 1.0, "tenure_days": -2.0}, ("tenure_days-", "frequency_orders+")),
        # what the stage contradicts
        ({"frequency_orders": 1.0, "recency_days": 2.0}, ("frequency_orders+",)),
        # near everybody is not worth saying
        ({"frequency_orders": 0.34, "tenure_days": 0.36}, ("tenure_days+",)),
        # unknown, or the same for all
        ({"frequency_orders": np.nan, "tenure_days": np.inf}, ()),
        # a feature without words for this side
        ({"order_gap_mean_days": 5.0}, ()),
        # as far as each other: by name
        ({"tenure_days": 1.0, "frequency_orders": 1.0}, ("frequency_orders+", "tenure_days+")),
    ],
)
def test_traits_are_what_lies_far_from_everybody(effects, expected):
    assert segment(effects=effects).traits == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        # another trait is farther tonight, the one in the name is still there
        (Name("high", "active", OFTEN), {BACK: 0.9, OFTEN: 0.3}, "High-value active, buys the same again"),
        # it is gone
        (Name("high", "active", OFTEN), {BACK: 0.9, OFTEN: 0.2}, "High-value active, sends much back"),
        # nothing stood out, something does a little; and clearly
        (Name("high", "active"), {BACK: 0.5}, "High-value active"),
        (Name("high", "active"), {BACK: 0.6}, "High-value active, sends much back"),
        # it moved on in life: its name is a new one
        (Name("high", "new", OFTEN), {BACK: 0.9, OFTEN: 0.3}, "High-value active, sends much back"),
        (Name("high", "active", OFTEN, 2), {OFTEN: 0.9}, "High-value active, buys the same again"),
        # it was everybody
        (Name("mid", "active", is_alone=True), {BACK: 0.9}, "High-value active, sends much back"),
    ],
)
def test_a_name_stays_until_what_it_says_has_clearly_changed(before, now, expected):
    others = [segment(1, value_tier="low")]
    assert texts([segment(0, effects=signed(now), before=before), *others])[0] == expected


def test_a_new_segment_does_not_take_the_name_of_one_that_goes_on():
    before = Name("high", "active", OFTEN)
    old = segment(0, traits=(OFTEN,), before=before, median_spend_365d=50.0)
    richer = segment(1, effects=signed({OFTEN: 0.5, OLDER: 0.9}), median_spend_365d=500.0)
    assert texts([richer, old]) == {
        0: "High-value active, buys the same again",
        1: "High-value active, older",
    }


def test_a_name_of_the_vocabulary_stays_while_it_nearly_fits():
    hunts = {"effects": {"discount_share": 0.3}}
    others = [segment(1, value_tier="low")]
    before = Name("high", "active", vocabulary="bargain_hunters")
    assert texts([segment(0, **hunts, before=before), *others])[0] == "Bargain hunters"
    assert texts([segment(0, **hunts), *others])[0] == "High-value active"


def test_names_and_sentences_in_chinese():
    told = segment(traits=(OFTEN, OLDER), median_spend_365d=1234.5)
    with speaking("zh"):
        assert texts([told, segment(1, value_tier="low", lifecycle="lapsed")]) == {
            0: "高价值活跃客户，重复购买同样商品",
            1: "低价值流失客户",
        }
        assert naming.Name("mid", "lapsed", None, 2).text() == "中价值流失客户（2）"
        assert naming.description(told, 0.254, "CNY") == (
            "占客户的 25%；中位客户近一年消费 ¥1,234，最近一次下单在 20 天前；重复购买同样商品，年龄较大。"
        )


def test_a_name_that_a_person_has_given_is_not_given_again():
    assert naming.free("Regulars", {"Regulars", "Regulars 2"}) == "Regulars 3"
    assert naming.free("Regulars", {"Others"}) == "Regulars"


def test_the_description_is_of_the_median_customer():
    four = (OFTEN, OLDER, "discount_share-", BACK)
    told = segment(traits=four, median_spend_365d=1234.5)
    assert naming.description(told, 0.254, "GBP") == (
        "25% of customers; the median one spent £1,234 in the last year and ordered 20 days ago; "
        "buys the same again, older, pays full price."
    )
    assert naming.description(segment(), 1.0, None).endswith(
        "spent 100 in the last year and ordered 20 days ago."
    )


FEATURES = [feature for feature in dictionary.dictionary() if feature.transform != "category"]


DATES = 3


@pytest.mark.parametrize(("share", "expected"), [(0.6, "One-time buyers"), (0.5, "Low-value lapsed")])
def test_a_name_of_before_stays_while_it_is_about_true(share, expected):
    before = Name("low", "lapsed", vocabulary="one_time_buyers")
    one = segment(0, lifecycle="lapsed", value_tier="low", shares={"one_time_buyers": share}, before=before)
    assert one.name().text() == expected


@pytest.mark.parametrize("shop", range(20))
def test_no_two_names_of_a_shop_are_the_same_to_a_person_or_deny_themselves(shop):
    """Twenty shops of ten segments, on three dates each: skewed, correlated features, some known of few customers.

    From one date to the next every customer changes somewhat, and the names of before are known.
    """
    rng = np.random.default_rng(shop)
    clusters, frame = _shop(rng)
    before: dict[int, Name] = {}
    for _ in range(DATES):
        found = profiles.traits(frame, clusters, FEATURES, Lifecycle(), before)
        named = naming.names(found)
        _are_told_apart(found, named)
        before = named
        frame = frame * np.exp(rng.normal(scale=0.2, size=frame.shape))


def _shop(rng: np.random.Generator, size: int = 600, segments: int = 10) -> tuple[pd.Series, pd.DataFrame]:
    clusters = pd.Series(rng.integers(segments, size=size))
    activity = rng.normal(size=segments)[clusters] + rng.normal(scale=0.5, size=size)
    frame = pd.DataFrame(
        {
            f.name: np.exp(rng.uniform(-1, 1) * activity + rng.normal(size=segments)[clusters])
            * (1 if f.transform == "log" else 0.1)
            for f in FEATURES
        }
    )
    for name in ("recency_days", "tenure_days"):
        frame[name] *= rng.uniform(20, 200)
    frame["tenure_days"] += frame["recency_days"]
    frame.loc[rng.random(size) < 0.9, "order_gap_variation"] = np.nan
    return clusters, frame


def _are_told_apart(found: list[Traits], named: dict[int, Name]) -> None:
    for language in ("en", "zh"):
        with speaking(language):
            words = {cluster: name.text() for cluster, name in named.items()}
        assert len(set(words.values())) == len(found)
    assert all(name.number == 1 for name in named.values()), words
    for one in found:
        said = set((named[one.cluster].trait or "").split(",")) | set(one.traits)
        assert not said & naming.CONTRADICTED[one.lifecycle]
        assert not {trait for trait in said if trait.startswith("order_gap_variation")}
        _are_true_beside_siblings(one, found, named)


def _are_true_beside_siblings(one: Traits, found: list[Traits], named: dict[int, Name]) -> None:
    """A trait in a name holds against every segment whose name begins so, or another of its traits does."""
    head, traits = named[one.cluster].head, (named[one.cluster].trait or "").split(",")
    for other in found:
        if other is one or named[other.cluster].head != head or traits == [""]:
            continue
        gaps = [
            (one.effects[trait[:-1]] - other.effects.get(trait[:-1], 0.0)) * (1 if trait[-1] in "+>" else -1)
            for trait in traits
        ]
        assert max(gaps) > 0, (named[one.cluster], named[other.cluster])
