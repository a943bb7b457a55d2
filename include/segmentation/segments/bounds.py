"""Conditions of a rule as data: bounds of features, beside the sentence that says them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Range:
    """All that a rule asks of one feature: `above` < value <= `up_to`; no bound where None.

    `known` and `unknown` tell whether known (within the bounds) and unknown values pass, `is_ever_unknown`
    whether the value is unknown of anybody: that unknown values pass is said only then.
    """

    feature: str
    above: float | None = None
    up_to: float | None = None
    known: bool = True
    unknown: bool = False
    is_ever_unknown: bool = True

    @property
    def is_unbounded(self) -> bool:
        """Every known value passes."""
        return self.known and self.above is None and self.up_to is None

    @property
    def is_empty(self) -> bool:
        """No known value passes."""
        return self.above is not None and self.up_to is not None and self.above >= self.up_to

    @property
    def says_unknown(self) -> bool:
        """Unknown values pass beside others, and there are such."""
        return self.unknown and self.known and self.is_ever_unknown

    def holds(self, value: float | None) -> bool | None:
        """True where a value passes; None: it is unknown, and only known values would."""
        if value is None:
            return True if self.unknown else None
        is_above = self.above is None or value > self.above
        return self.known and is_above and (self.up_to is None or value <= self.up_to)


def to_json(bounds: Iterable[Range]) -> list[dict[str, Any]]:
    """The bounds of a rule, as `segments.segment_rules.bounds` keeps them."""
    return [asdict(one) for one in bounds]


def of_json(documents: Iterable[Mapping[str, Any]] | None) -> tuple[Range, ...] | None:
    """The bounds that `to_json` wrote; None of a rule that has none."""
    return None if documents is None else tuple(Range(**one) for one in documents)
