"""Reasons that a customer is in a segment: the conditions of its rules, and what is true of the customer."""

from datetime import date

import pytest

from segmentation.language.texts import speaking
from segmentation.report.data import Segment
from segmentation.segments.bounds import Range
from segmentation.ui import why
from segmentation.ui.reading import Customer

DAY = date(2026, 3, 1)
RATED = Range("mean_rating", above=3.5, unknown=True)


def customer(features: dict, *rules: dict, rule: str | None = None) -> Customer:
    about = (1, "Regulars", "", rule, "high", "active", 9, 0.1, 10.0, 0.1, DAY, 1)
    return Customer("c1", DAY, Segment(*about, profiles={}, rules=rules), 0.9, False, 3, features, [])


def of(features: dict, *bounds: Range) -> list[tuple[str, float | None, bool | None]]:
    (reasons,) = why.reasons(customer(features, {"rule": "text", "bounds": bounds}), "EUR")
    return [(reason.condition, reason.value, reason.holds) for reason in reasons]


@pytest.mark.parametrize(("rating", "holds"), [(4.0, True), (3.0, False), (None, True)])
def test_a_known_value_is_compared_where_an_unknown_one_passes_too(rating, holds):
    assert of({"mean_rating": rating}, RATED) == [
        ("more than 35 stars in 10 ratings (or unknown)", rating, holds)
    ]


def test_each_bound_is_a_condition_and_an_unknown_value_is_said_to_be_unknown():
    asked = Range("recency_days", above=10, up_to=35), Range("spend_365d", above=410)
    assert of({"recency_days": 8.0}, *asked) == [
        ("11 or more days since the last order", 8.0, False),
        ("at most 35 days since the last order", 8.0, True),
        ("spend in a year above €410", None, None),
    ]


@pytest.mark.parametrize(("rating", "known", "unknown"), [(4.0, True, False), (None, None, True)])
def test_gaps_are_conditions(rating, known, unknown):
    features = {"mean_rating": rating}
    assert of(features, Range("mean_rating")) == [("mean rating given is known", rating, known)]
    gap = Range("mean_rating", known=False, unknown=True)
    assert of(features, gap) == [("mean rating given is unknown", rating, unknown)]


def test_a_rule_without_bounds_is_its_text_and_one_without_conditions_is_everybody():
    assert of({}) == [("everybody", None, True)]
    (reasons,) = why.reasons(customer({"recency_days": 1.0}, {"rule": "a <= 3", "bounds": None}), None)
    assert [(one.condition, one.holds) for one in reasons] == [("a <= 3", None)]
    (reasons,) = why.reasons(customer({}, rule="b > 1"), None)
    assert [(one.condition, one.holds) for one in reasons] == [("b > 1", None)]
    with speaking("zh"):
        ((text, _, holds),) = of({"mean_rating": 5.0}, RATED)
    assert holds
    assert text.endswith("（或未知）")
