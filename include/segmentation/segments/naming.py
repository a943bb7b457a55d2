"""Names that a marketer can use: value, life-cycle and what sets a segment apart.

A name stays while the segment does: it is made of a few facts, and the facts of a segment that goes on have
to change clearly before its name does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd

from segmentation.features.dictionary import Feature, dictionary
from segmentation.language.numbers import money
from segmentation.language.texts import t
from segmentation.settings import Lifecycle

FAR = 0.35  # standard deviations from everybody, above which a trait is worth saying
STAYS = 0.7  # of FAR: a trait that is in a name goes when it is nearer to everybody than that
CLEAR = 1.5  # of FAR: a trait is put into a name that has none when it is farther than that
MARGIN = 0.1  # of a bound: value and life-cycle of a segment that goes on change when it is crossed by more
TIERS = {"low": "Low-value", "mid": "Mid-value", "high": "High-value"}
STAGES = ("new", "active", "cooling", "lapsed")


@dataclass(frozen=True)
class Name:
    """The parts of a name. `trait` is a feature with + (far above everybody) or - (far below)."""

    value_tier: str
    lifecycle: str
    trait: str | None = None
    number: int = 1
    is_alone: bool = False

    def text(self) -> str:
        """The name in the language in force."""
        if self.is_alone:
            return t("All customers")
        name = t("{value} {stage}", value=t(TIERS[self.value_tier]), stage=t(self.lifecycle))
        if self.trait:
            name = t("{name}, {trait}", name=name, trait=trait_words(self.trait))
        return name if self.number == 1 else t("{name} {number}", name=name, number=self.number)


@dataclass(frozen=True)
class Traits:
    """A segment in facts.

    Attributes
    ----------
    distances : dict
        Trait -> standard deviations from everybody, the farthest first; those that may be said.
    before : Name, optional
        Of the segment of the parent date that it goes on from.
    """

    cluster: int
    value_tier: str
    lifecycle: str
    distances: Mapping[str, float]
    customers: int
    median_spend_365d: float
    median_recency_days: float
    before: Name | None = field(default=None)

    @property
    def traits(self) -> tuple[str, ...]:
        """Traits that set it apart, the farthest first."""
        return tuple(trait for trait, distance in self.distances.items() if distance >= FAR)

    @property
    def head(self) -> tuple[str, str]:
        """The beginning of its name."""
        return self.value_tier, self.lifecycle

    @property
    def keeps(self) -> bool:
        """True where nothing in its name has clearly changed."""
        if (
            self.before is None
            or self.before.is_alone
            or (self.before.value_tier, self.before.lifecycle) != self.head
        ):
            return False
        if self.before.trait is None:
            return max(self.distances.values(), default=0.0) < CLEAR * FAR
        return self.distances.get(self.before.trait, 0.0) >= STAYS * FAR


def value_tier(spend: pd.Series, terciles: tuple[float, float], before: str | None = None) -> str:
    """The tercile of all customers' spend in the last 365 days that the segment's median customer is in.

    A segment that goes on stays in the tier it was in `before` within a tenth of the bound.
    """
    middle = float(spend.median())
    low, high = terciles
    slack = MARGIN * abs(low), MARGIN * abs(high)
    stays = {
        "low": middle <= low + slack[0],
        "mid": low - slack[0] < middle <= high + slack[1],
        "high": middle > high - slack[1],
    }
    if low == middle == high:
        return "mid"  # everybody spends the same
    if before is not None and stays[before]:
        return before
    return "high" if middle > high else "mid" if middle > low else "low"


def lifecycle(recency: pd.Series, tenure: pd.Series, bounds: Lifecycle, before: str | None = None) -> str:
    """New, active, cooling or lapsed, of the segment's median customer, by the days in settings.

    A segment that goes on stays in the stage it was in `before` within a tenth of the bound.
    """
    recency_days, tenure_days = float(recency.median()), float(tenure.median())
    more, less = 1 + MARGIN, 1 - MARGIN
    stays = {
        "new": recency_days <= more * bounds.cooling_recency_days
        and tenure_days <= more * bounds.new_tenure_days,
        "active": recency_days <= more * bounds.cooling_recency_days
        and tenure_days > less * bounds.new_tenure_days,
        "cooling": less * bounds.cooling_recency_days < recency_days <= more * bounds.lapsed_recency_days,
        "lapsed": recency_days > less * bounds.lapsed_recency_days,
    }
    if before is not None and stays[before]:
        return before
    if recency_days > bounds.lapsed_recency_days:
        return "lapsed"
    if recency_days > bounds.cooling_recency_days:
        return "cooling"
    return "new" if tenure_days <= bounds.new_tenure_days else "active"


def distances(effects: pd.Series, features: Sequence[Feature]) -> dict[str, float]:
    """Traits of a segment whose features lie `effects` standard deviations from everybody.

    Only those that the dictionary has words for, and that are far enough for a name.
    """
    far = []
    for feature in features:
        effect = float(effects.get(feature.name, 0.0))
        words = feature.high if effect > 0 else feature.low
        if words and np.isfinite(effect) and abs(effect) >= STAYS * FAR:
            far.append((-abs(effect), feature.name, "+" if effect > 0 else "-"))
    return {f"{name}{sign}": -distance for distance, name, sign in sorted(far)}


def trait_words(trait: str) -> str:
    """The words for a trait in the language in force: "orders often" for `frequency_orders+`."""
    feature = _by_name().get(trait[:-1])
    words = feature and (feature.high if trait.endswith("+") else feature.low)
    return t(words) if words else trait


@lru_cache(maxsize=1)
def _by_name() -> dict[str, Feature]:
    return {feature.name: feature for feature in dictionary()}


def names(segments: Sequence[Traits]) -> dict[int, Name]:
    """A unique name for each cluster: "High-value active", and what sets it apart.

    Segments that go on are named first, as they were unless what their name says has clearly changed. The
    same segments get the same names in whatever order they come.
    """
    if len(segments) == 1:
        (only,) = segments
        return {only.cluster: Name(only.value_tier, only.lifecycle, is_alone=True)}
    ordered = sorted(
        segments, key=lambda s: (-s.median_spend_365d, s.median_recency_days, -s.customers, s.cluster)
    )
    result: dict[int, Name] = {}
    for segment in ordered:
        if segment.keeps and segment.before and segment.before not in result.values():
            result[segment.cluster] = segment.before
    for segment in ordered:
        if segment.cluster not in result:
            result[segment.cluster] = _unused(segment, _own(segment, ordered), set(result.values()))
    return result


def _own(segment: Traits, all_segments: Iterable[Traits]) -> list[str]:
    """Its traits in the order in which a name tries them: what it was called, then what none alike is."""
    alike = [s for s in all_segments if s.head == segment.head and s is not segment]
    others = {trait for s in alike for trait in s.traits[:1]}
    own = [trait for trait in segment.traits if trait not in others] or list(segment.traits)
    was = segment.before and segment.before.trait
    if was and segment.distances.get(was, 0.0) >= STAYS * FAR:
        own = [was, *(trait for trait in own if trait != was)]
    return own


def _unused(segment: Traits, own: list[str], taken: set[Name]) -> Name:
    tried = [Name(*segment.head, trait) for trait in own] or [Name(*segment.head)]
    tried += [Name(*segment.head, number=number) for number in range(2, len(taken) + 3)]
    return next(name for name in tried if name not in taken)


def free(name: str, taken: set[str]) -> str:
    """The name, or with a number where a person has given it to another segment; in the language in force."""
    numbered = (t("{name} {number}", name=name, number=number) for number in range(2, len(taken) + 3))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def description(segment: Traits, share: float, currency: str | None) -> str:
    """One sentence about the segment's median customer, in the language in force."""
    text = t(
        "{share} of customers; the median one spent {money} in the last year and ordered {days} days ago",
        share=f"{share:.0%}",
        money=money(segment.median_spend_365d, currency),
        days=f"{segment.median_recency_days:.0f}",
    )
    if segment.traits:
        text = t(
            "{sentence}; {traits}", sentence=text, traits=t(", ").join(map(trait_words, segment.traits[:3]))
        )
    return text + t(".")
