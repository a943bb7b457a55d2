"""Rules as a person says them: whole numbers, in the order of the dictionary, and only those that tell a segment."""

import re
from dataclasses import replace
from datetime import date

import pytest

from segmentation.features import dictionary
from segmentation.language.texts import speaking, t
from segmentation.report import environment, verdict
from segmentation.report.data import Profile, Segment
from segmentation.segments.bounds import Range

FEATURES = {feature.name: feature for feature in dictionary.dictionary()}


def rule(customers: int, precision: float, recall: float, text: str = "text") -> dict:
    return {
        "rule": text,
        "bounds": (Range("orders_90d", above=3),),
        "customers": customers,
        "rule_precision": precision,
        "rule_recall": recall,
    }


def segment(*rules: dict) -> Segment:
    profiles = {
        name: Profile(FEATURES[name], median, median, None, None, 0.1, effect, everybody)
        for name, median, effect, everybody in (
            ("recency_days", 200.0, 1.4, 40.0),
            ("spend_365d", 12.0, -1.2, 300.0),
            ("sessions_90d", 0.0, -1.1, 6.0),
            ("return_rate", 0.2, 0.6, 0.1),
        )
    }
    about = (1, "Lapsed", "", "text", "low", "lapsed", 100, 0.1, 10.0, 0.1, date(2026, 3, 1), 1)
    return Segment(*about, profiles=profiles, rules=rules)


@pytest.mark.parametrize(
    ("asked", "said", "chinese"),
    [
        (Range("orders_90d", above=3), "4 or more orders in 90 days", "至少 4"),
        (Range("orders_90d", above=3.5), "4 or more orders in 90 days", "至少 4"),
        (Range("orders_90d", up_to=3), "at most 3 orders in 90 days", "至多 3"),
        (Range("orders_90d", up_to=1), "fewer than 2 orders in 90 days", "少于 2"),
        (Range("orders_90d", up_to=0), "no orders in 90 days", "为 0"),
        (Range("orders_90d", above=1, up_to=5), "2 to 5 orders in 90 days", " 2 至 5"),
        (Range("orders_90d", above=1, up_to=2), "orders in 90 days: 2", "为 2"),
        (Range("orders_90d", above=-1, up_to=2), "at most 2 orders in 90 days", "至多 2"),
        (Range("recency_days", above=60), "61 or more days since the last order", "至少 61"),
        (Range("spend_90d", above=8), "spend in 90 days above €8", "高于 €8"),
        (
            Range("spend_90d", above=8, up_to=270),
            "spend in 90 days above €8 and at most €270",
            "高于 €8，至多 €270",
        ),
        (Range("spend_90d", above=8.5), "spend in 90 days above €8.50", "高于 €8.50"),
        (Range("return_rate", above=0.07), "share of spend returned above 7%", "高于 7%"),
        (Range("order_gap_mean_days", up_to=23), "days between orders at most 23", "至多 23"),
        (Range("order_gap_variation", up_to=0.8), "irregularity of orders at most 80%", "至多 80%"),
        (
            Range("sessions_90d", above=2, unknown=True),
            "3 or more visits in 90 days (or unknown)",
            "至少 3（或未知）",
        ),
    ],
)
def test_a_bound_is_said_in_whole_numbers_where_it_counts_something(asked, said, chinese):
    assert verdict.rule("text", [asked], "EUR") == said
    with speaking("zh"):
        label = t(FEATURES[asked.feature].label)
        assert verdict.rule("text", [asked], "EUR") == f"{label}{chinese}"


@pytest.mark.parametrize(
    ("asked", "said", "chinese"),
    [
        (Range("lines_per_order", above=4.3), "more than 43 lines in 10 orders", "每 10 单行数多于 43"),
        (
            Range("conversion_365d", up_to=0.15),
            "at most 15 orders in 100 visits",
            "每 100 次访问下单数至多 15",
        ),
        (Range("reviews_per_order", up_to=0), "no reviews of 100 orders", "每 100 单评价数为 0"),
        (
            Range("units_per_order", above=1.5, up_to=250),
            "more than 15 and at most 2,500 pieces in 10 orders",
            "每 10 单件数多于 15，至多 2,500",
        ),
        (
            Range("spend_trend_90d", above=-0.2, up_to=0),
            "more than −20 and at most 0 points of spend trend (-100 falling, 100 rising)",
            "消费趋势点数（-100 下降，100 上升）多于 −20，至多 0",
        ),
        (
            Range("spend_trend_90d", up_to=0),
            "at most 0 points of spend trend (-100 falling, 100 rising)",
            "消费趋势点数（-100 下降，100 上升）至多 0",
        ),
    ],
)
def test_a_ratio_is_said_as_so_many_of_ten_or_of_a_hundred(asked, said, chinese):
    assert verdict.rule("text", [asked], "EUR") == said
    with speaking("zh"):
        assert verdict.rule("text", [asked], "EUR") == chinese


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("feature", [one for one in FEATURES.values() if one.step])
def test_a_bound_in_whole_steps_is_said_without_decimals(feature, language):
    low, high = (round(many * feature.step, 6) for many in (3, 57))
    with speaking(language):
        for asked in (Range(feature.name, above=low, up_to=high), Range(feature.name, up_to=high)):
            assert not re.search(r"\d\.\d", verdict.rule("text", [asked], "EUR"))


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("lines_per_order", 4.26, "43"),
        ("order_gap_variation", 0.8, "80%"),
        ("spend_90d", 8.4, "€8"),
        ("recency_days", 3, "3 days"),
        ("lines_per_order", None, "–"),
        ("", None, "–"),
    ],
)
def test_a_value_is_said_as_the_bounds_on_it(name, known, said):
    assert verdict.value(name, known, "EUR") == said


def test_what_a_whole_bound_says_is_what_it_asks():
    for above in (-1, 0, 1, 2.5, 7):
        asked = Range("orders_90d", above=above)
        least = int(verdict.rule("text", [asked], None).split()[0])
        assert asked.holds(least) and not asked.holds(least - 1)


def test_conditions_are_in_the_order_of_the_dictionary():
    asked = [Range("sessions_90d", above=2), Range("spend_90d", above=8), Range("recency_days", up_to=61)]
    said = (
        "at most 61 days since the last order and spend in 90 days above €8 and 3 or more visits in 90 days"
    )
    assert verdict.rule("text", asked, "EUR") == said
    assert verdict.rule("text", asked[::-1], "EUR") == said


def test_a_second_rule_that_finds_next_to_nobody_is_not_said():
    large, some, few = rule(80, 0.9, 0.72), rule(12, 0.8, 0.1), rule(3, 0.7, 0.02)
    assert verdict.shown_rules(segment(large, some, few)) == [large, some]


@pytest.mark.parametrize(
    "rules",
    [[], [rule(40, 0.9, 0.36)], [rule(200, 0.4, 0.8)]],
    ids=["none", "find too few of it", "find too many others"],
)
def test_rules_that_do_not_tell_a_segment_are_not_said(rules):
    assert verdict.shown_rules(segment(*rules)) == []


def test_a_segment_without_a_rule_says_so_and_offers_its_three_clearest_marks():
    card = environment("EUR").from_string(
        "{% import 'macros.html.j2' as m with context %}{{ m.card(one, 'EUR', false) }}"
    )
    told, untold = (card.render(one=segment(rule(*sizes))) for sizes in ((80, 0.9, 0.72), (40, 0.9, 0.36)))
    assert "4 or more orders in 90 days" in told and "Its clearest marks" not in told
    assert "4 or more orders" not in untold and "No rule tells it from the others" in untold
    marks = [
        "days since the last order 200 d (everybody 40 d)",
        "spend in a year €12 (everybody €300)",
        "visits in 90 days 0 (everybody 6)",
    ]
    assert all(mark in untold for mark in marks)
    assert verdict.marks(segment(), "EUR") == marks


def test_a_feature_whose_figures_are_everybodys_is_no_row_of_a_card():
    same = {"return_rate": Profile(FEATURES["return_rate"], 0.1, 0.102, None, None, 0.1, 1.6, 0.1)}
    one = segment()
    assert "return_rate" in [profile.feature.name for profile in one.farthest]
    changed = replace(one, profiles={**one.profiles, **same})
    assert "return_rate" not in [profile.feature.name for profile in changed.farthest]
