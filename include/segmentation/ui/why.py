"""Reasons that a customer is in a segment: its rules, condition by condition, and the features that tell."""

from typing import Any, NamedTuple

from segmentation.features.dictionary import dictionary
from segmentation.language.texts import t
from segmentation.report.data import Profile
from segmentation.report.verdict import conditions, in_natural_order
from segmentation.segments.bounds import Range
from segmentation.ui.reading import Customer


class Reason(NamedTuple):
    """A condition in words, its feature, the customer's value, and whether it holds.

    `holds` is None where the value is unknown, and where a rule of before has no bounds to compare with.
    """

    condition: str
    feature: str
    value: float | None
    holds: bool | None
    unit: str


def reasons(customer: Customer, currency: str | None) -> list[list[Reason]]:
    """Each rule of the customer's segment, condition by condition."""
    segment = customer.segment
    if not segment.rules:
        return [[Reason(segment.rule or t("everybody"), "", None, None if segment.rule else True, "")]]
    return [_of_rule(rule["rule"], rule["bounds"], customer.features, currency) for rule in segment.rules]


def _of_rule(
    text: str, ranges: tuple[Range, ...] | None, features: dict[str, Any], currency: str | None
) -> list[Reason]:
    if ranges is None:
        return [Reason(text, "", None, None, "")]
    reasons = []
    for one in in_natural_order(ranges):
        value, unit = features.get(one.feature), unit_of(one.feature)
        reasons += [
            Reason(condition, one.feature, value, alone.holds(value), unit)
            for condition, alone in conditions(one, currency)
        ]
    return reasons or [Reason(t("everybody"), "", None, True, "")]


def unit_of(name: str) -> str:
    """Unit of a feature; empty where the dictionary has it no longer."""
    return next((feature.unit for feature in dictionary() if feature.name == name), "")


def telling(customer: Customer) -> list[tuple[Profile, float | None]]:
    """The features that set the segment apart, with the customer's own value of each."""
    return [(profile, customer.features.get(profile.feature.name)) for profile in customer.segment.farthest]
