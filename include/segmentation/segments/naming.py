"""Names that a marketer can use: of the vocabulary, else value and life-cycle, and what sets a segment apart.

Segments that share the beginning of a name are told apart by what they differ in from each other. A name stays
while the segment does: it is made of a few facts, and the facts of a segment that goes on have to change
clearly before its name does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from segmentation.features.dictionary import Feature, dictionary
from segmentation.language.numbers import money
from segmentation.language.texts import t
from segmentation.segments import vocabulary
from segmentation.segments.vocabulary import Entry
from segmentation.settings import Lifecycle

if TYPE_CHECKING:
    import pandas as pd

FAR = 0.35  # standard deviations from everybody, above which a trait is worth saying
STAYS = 0.7  # of FAR: a trait that is in a name goes when it is nearer to everybody than that
CLEAR = 1.5  # of FAR: a trait is put into a name that has none when it is farther than that
MARGIN = 0.1  # of a bound: value and life-cycle of a segment that goes on change when it is crossed by more
APART = 0.2  # standard deviations between segments that a trait tells apart
LEANS = 0.15  # from everybody, on the side that a trait says, where it tells a segment from those alike
ON_ITS_SIDE = 0.55  # least share of a segment's customers on the side of everybody's median that a trait says
LEAST_KNOWN_SHARE = 0.5  # share of a segment's customers of whom a feature is known, from which on it is said
# what is not said of a segment in a stage of its life-cycle, for the stage has said it, or the opposite
CONTRADICTED = {
    "new": {"recency_days+", "tenure_days+"},
    "active": {"recency_days+"},
    "cooling": {"recency_days-", "tenure_days-"},
    "lapsed": {
        *("recency_days-", "tenure_days-", "frequency_orders+"),
        *("spend_trend_90d+", "spend_trend_90d-"),
    },
}
HIGHER, LESS = ("higher {thing}", "lower {thing}"), ("more {thing}", "less {thing}")
COMPARED = {"currency": HIGHER, "share": HIGHER, "stars": HIGHER, "ratio": LESS, "nats": LESS}
TIERS = {"low": "Low-value", "mid": "Mid-value", "high": "High-value"}
STAGES = ("new", "active", "cooling", "lapsed")


@dataclass(frozen=True)
class Name:
    """The parts of a name.

    `vocabulary` is the name of an entry of the vocabulary. `trait` is a feature with + (far above everybody) or
    - (far below), with > or < where it is only more or less than in the segments alike; or two by a comma.
    """

    value_tier: str
    lifecycle: str
    trait: str | None = None
    number: int = 1
    is_alone: bool = False
    vocabulary: str | None = None

    @property
    def head(self) -> tuple[str, ...]:
        """The parts of the beginning of the name."""
        return (self.vocabulary,) if self.vocabulary else (self.value_tier, self.lifecycle)

    def text(self) -> str:
        """The name in the language in force."""
        if self.is_alone:
            return t("All customers")
        name = (
            vocabulary.text_of(self.vocabulary)
            if self.vocabulary
            else t("{value} {stage}", value=t(TIERS[self.value_tier]), stage=t(self.lifecycle))
        )
        for trait in self.trait.split(",") if self.trait else ():
            name = t("{name}, {trait}", name=name, trait=trait_words(trait))
        return name if self.number == 1 else t("{name} {number}", name=name, number=self.number)


@dataclass(frozen=True)
class Traits:
    """A segment in facts.

    Attributes
    ----------
    effects : dict
        Feature -> standard deviations from everybody, signed; of the features known for most of the segment.
    above : dict
        Feature -> share of the segment's customers who are above everybody's median, half of those at it.
    shares : dict
        Name of the vocabulary -> share of the segment's customers of each of whom it is true.
    before : Name, optional
        Of the segment of the parent date that it goes on from.
    """

    cluster: int
    value_tier: str
    lifecycle: str
    effects: Mapping[str, float]
    customers: int
    median_spend_365d: float
    median_recency_days: float
    above: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    before: Name | None = field(default=None)

    @cached_property
    def distances(self) -> dict[str, float]:
        """Trait -> standard deviations from everybody, the farthest first; those that may be said."""
        return self._farther(STAYS * FAR)

    @cached_property
    def leanings(self) -> dict[str, float]:
        """The same with those that hold, but are too near to everybody to be said where no segment is alike."""
        unsaid = vocabulary.unsaid(self.vocabulary)
        return {
            trait: far for trait, far in self._farther(STAYS * LEANS).items()
            if trait not in unsaid
        }  # fmt: skip

    def _farther(self, least: float) -> dict[str, float]:
        by_trait = distances(self.effects, dictionary(), least)
        unsaid = CONTRADICTED[self.lifecycle]
        return {
            trait: far for trait, far in by_trait.items() if trait not in unsaid and self._is_of_most(trait)
        }

    def _is_of_most(self, trait: str) -> bool:
        """A mean may be far from everybody's by a few; one that is in the name stays while it is of half."""
        above = self.above.get(trait[:-1])
        if above is None:
            return True
        had = (self.before.trait or "").split(",") if self.before else []
        return (above if trait[-1] == "+" else 1 - above) >= (0.5 if trait in had else ON_ITS_SIDE)

    @property
    def traits(self) -> tuple[str, ...]:
        """Traits that set it apart, the farthest first."""
        return tuple(trait for trait, distance in self.distances.items() if distance >= FAR)

    @cached_property
    def vocabulary(self) -> str | None:
        """The first name of the vocabulary that fits; the one it had, while that does about."""
        entries, before = vocabulary.load(), self.before and self.before.vocabulary
        had = (e for e in entries if e.name == before and self._fits(e, tuple(self.distances), 1 - STAYS))
        fitting = (e for e in entries if self._fits(e, self.traits))
        return next((entry.name for entry in (*had, *fitting)), None)

    def _fits(self, entry: Entry, traits: tuple[str, ...], slack: float = 0.0) -> bool:
        share = self.shares.get(entry.name, 0.0)
        return entry.when.holds(self.value_tier, self.lifecycle, traits, self.effects, share, slack)

    def name(self, trait: str | None = None, number: int = 1) -> Name:
        """A name of it."""
        return Name(self.value_tier, self.lifecycle, trait, number, vocabulary=self.vocabulary)

    @property
    def trait_before(self) -> str | None:
        """The trait in its name, where the beginning of the name is what it was."""
        if self.before is None or self.before.is_alone or self.before.head != self.name().head:
            return None
        return self.before.trait

    @property
    def had_none(self) -> bool:
        """True where its name began so, and needed no trait."""
        before = self.before
        return bool(before and not before.is_alone and not before.trait and before.head == self.name().head)


def value_tier(spend: pd.Series, terciles: tuple[float, float], before: str | None = None) -> str:
    """The tercile of all customers' value in a year (`profiles.worth`) that the segment's median customer is in.

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


def distances(
    effects: pd.Series | Mapping[str, float], features: Sequence[Feature], least: float = STAYS * FAR
) -> dict[str, float]:
    """Traits of a segment whose features lie `effects` standard deviations from everybody.

    Only those that the dictionary has words for, and that are far enough (`least`) for a name.
    """
    far = []
    for feature in features:
        effect = float(effects.get(feature.name, 0.0))
        words = feature.high if effect > 0 else feature.low
        if words and np.isfinite(effect) and abs(effect) >= least:
            far.append((-abs(effect), feature.name, "+" if effect > 0 else "-"))
    return {f"{name}{sign}": -distance for distance, name, sign in sorted(far)}


def trait_words(trait: str) -> str:
    """The words for a trait in the language in force: "orders often" for `frequency_orders+`."""
    feature = _by_name().get(trait[:-1])
    if feature is None:
        return trait
    if trait[-1] in "<>":
        thing = t(feature.label)
        more, less = COMPARED.get(feature.unit, ("more {thing}", "fewer {thing}"))
        return t(more if trait.endswith(">") else less, thing=thing)
    words = feature.high if trait.endswith("+") else feature.low
    return t(words) if words else trait


@lru_cache(maxsize=1)
def _by_name() -> dict[str, Feature]:
    return {feature.name: feature for feature in dictionary()}


def names(segments: Sequence[Traits]) -> dict[int, Name]:
    """A unique name for each cluster.

    Segments that go on are called as they were, unless what their name says has clearly changed. The same
    segments get the same names in whatever order they come.
    """
    if len(segments) == 1:
        (only,) = segments
        return {only.cluster: Name(only.value_tier, only.lifecycle, is_alone=True)}
    ordered = sorted(
        segments, key=lambda s: (-s.median_spend_365d, s.median_recency_days, -s.customers, s.cluster)
    )
    result: dict[int, Name] = {}
    for head in dict.fromkeys(segment.name().head for segment in ordered):
        result |= _told_apart([segment for segment in ordered if segment.name().head == head])
    return result


def _told_apart(alike: Sequence[Traits]) -> dict[int, Name]:
    """Names of the segments that share a beginning; those that go on come first."""
    result: dict[int, Name] = {}
    for segment in sorted(alike, key=lambda s: s.trait_before is None and not s.had_none):
        others = [other for other in alike if other is not segment]
        tried = _among(segment, others) if others else _alone(segment)
        names = set(result.values())
        options = [segment.name(trait) for trait in tried]
        options += [segment.name(number=number) for number in range(1, len(alike) + 1)]
        result[segment.cluster] = next(name for name in options if name not in names)
    return result


def _alone(segment: Traits) -> list[str | None]:
    """Traits that its name tries where no other begins so; a name of the vocabulary needs none."""
    if segment.vocabulary:
        return [None]
    was = segment.trait_before
    if was and all(segment.distances.get(part, 0.0) >= STAYS * FAR for part in was.split(",")):
        return [was]
    if segment.had_none and max(segment.distances.values(), default=0.0) < CLEAR * FAR:
        return [None]
    return [*segment.traits[:1], None]


def _among(segment: Traits, others: Sequence[Traits]) -> list[str | None]:
    """Traits that its name tries beside the segments that begin so: what it differs in from each of them.

    One that tells it apart from all, the clearest first; else two that do together; else in what it has more
    or less of than any other.
    """
    leanings = (trait for trait, far in segment.leanings.items() if far >= LEANS)
    gaps = {trait: _gaps(segment, trait, others) for trait in leanings}
    single = {trait: min(gap) for trait, gap in gaps.items() if min(gap) >= APART}
    tried = sorted(single, key=lambda trait: (-single[trait], trait))
    was = segment.trait_before
    if was and _still_apart(segment, was, others):
        tried.insert(0, was)
    if not tried:
        tried += _pairs(gaps)
    return [*tried, *_more_or_less(segment, others)]


def _gaps(segment: Traits, trait: str, others: Sequence[Traits]) -> list[float]:
    """Standard deviations by which a segment is more, or less, than each other one, as the trait says."""
    feature, sign = trait[:-1], 1 if trait[-1] in "+>" else -1
    mine = segment.effects.get(feature, 0.0)
    return [sign * (mine - other.effects.get(feature, 0.0)) for other in others]


def _still_apart(segment: Traits, traits: str, others: Sequence[Traits]) -> bool:
    gaps = [_gaps(segment, trait, others) for trait in traits.split(",")]
    is_far = all(
        trait[-1] in "<>" or segment.leanings.get(trait, 0.0) >= STAYS * LEANS for trait in traits.split(",")
    )
    return is_far and all(max(by_trait) >= STAYS * APART for by_trait in zip(*gaps, strict=True))


def _pairs(gaps: Mapping[str, Sequence[float]]) -> list[str]:
    """Two traits of which one or the other tells the segment apart from each of the others."""
    ranked = [
        (-min(map(max, gaps[first], gaps[second])), f"{first},{second}")
        for first, second in combinations(gaps, 2)
        if min(map(max, gaps[first], gaps[second])) >= APART
    ]
    return [pair for _, pair in sorted(ranked)]


def _more_or_less(segment: Traits, others: Sequence[Traits]) -> list[str]:
    """Features that it has more or less of than any other, the clearest first."""
    unsaid = {trait[:-1] for trait in vocabulary.unsaid(segment.vocabulary)}
    both = [f"{feature}{sign}" for feature in segment.effects if feature not in unsaid for sign in "<>"]
    gaps = {trait: min(_gaps(segment, trait, others)) for trait in both if trait[:-1] in _by_name()}
    return sorted((trait for trait in gaps if gaps[trait] >= APART / 2), key=lambda t_: (-gaps[t_], t_))


def free(name: str, names: set[str]) -> str:
    """The name, or with a number where a person has given it to another segment; in the language in force."""
    numbered = (t("{name} {number}", name=name, number=number) for number in range(2, len(names) + 3))
    return name if name not in names else next(one for one in numbered if one not in names)


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
