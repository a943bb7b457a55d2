"""Why a customer is in a segment: the segment's rules, condition by condition, and the features that tell."""

import operator
import re
from typing import Any, NamedTuple

from segmentation.features.dictionary import dictionary
from segmentation.report import verdict
from segmentation.report.data import Profile
from segmentation.ui.reading import Customer

CONDITION = re.compile(r"^(\w+) (<=|>=|<|>) (-?[\d.]+(?:e[+-]?\d+)?)$")
SIGNS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


class Reason(NamedTuple):
    """A condition in words, the customer's value, and whether it holds; None: the value is unknown."""

    condition: str
    value: float | None
    holds: bool | None
    unit: str


def reasons(customer: Customer, currency: str | None) -> list[list[Reason]]:
    """Each rule of the customer's segment, condition by condition."""
    rules = [rule["rule"] for rule in customer.segment.rules] or [customer.segment.rule or ""]
    return [
        [_reason(text.strip(), customer.features, currency) for text in rule.split(" and ") if text.strip()]
        for rule in rules
    ]


def _reason(text: str, features: dict[str, Any], currency: str | None) -> Reason:
    said = verdict.rule(text, currency)
    found = CONDITION.match(text)
    if found is None:
        return Reason(said, None, True if text == "everybody" else None, "")
    name, sign, bound = found.groups()
    unit = next((feature.unit for feature in dictionary() if feature.name == name), "")
    value = features.get(name)
    if value is None:
        return Reason(said, None, None, unit)
    return Reason(said, value, SIGNS[sign](value, float(bound)), unit)


def telling(customer: Customer) -> list[tuple[Profile, float | None]]:
    """The features that set the segment apart, with the customer's own value of each."""
    return [(profile, customer.features.get(profile.feature.name)) for profile in customer.segment.farthest]
