"""Names that a marketer can use: value, life-cycle and what sets a segment apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segmentation.features import Feature
from segmentation.settings import Lifecycle

FAR = 0.35  # standard deviations from everybody, above which a trait is worth saying
TIERS = {"low": "Low-value", "mid": "Mid-value", "high": "High-value"}


@dataclass(frozen=True)
class Traits:
    """A segment in words. `phrases` are what sets it apart, the farthest first."""

    cluster: int
    value_tier: str
    lifecycle: str
    phrases: tuple[str, ...]
    customers: int
    median_spend_365d: float
    median_recency_days: float


def value_tier(spend: pd.Series, terciles: tuple[float, float]) -> str:
    """The tercile of all customers' spend in the last 365 days that the segment's median customer is in."""
    middle = float(spend.median())
    if terciles[0] == middle == terciles[1]:
        return "mid"  # everybody spends the same
    return "high" if middle > terciles[1] else "mid" if middle > terciles[0] else "low"


def lifecycle(recency: pd.Series, tenure: pd.Series, bounds: Lifecycle) -> str:
    """New, active, cooling or lapsed, of the segment's median customer, by the days in settings."""
    since = float(recency.median())
    if since > bounds.lapsed_recency_days:
        return "lapsed"
    if since > bounds.cooling_recency_days:
        return "cooling"
    return "new" if float(tenure.median()) <= bounds.new_tenure_days else "active"


def phrases(effects: pd.Series, features: Sequence[Feature]) -> tuple[str, ...]:
    """What to say of a segment whose features lie `effects` standard deviations from everybody."""
    said = []
    for feature in features:
        effect = float(effects.get(feature.name, 0.0))
        words = feature.high if effect > 0 else feature.low
        if words and np.isfinite(effect) and abs(effect) >= FAR:
            said.append((-abs(effect), feature.name, words))
    return tuple(words for _, _, words in sorted(said))


def names(segments: Sequence[Traits]) -> dict[int, str]:
    """A unique name for each cluster: "High-value active", and what sets it apart.

    The same segments get the same names in whatever order they come.
    """
    if len(segments) == 1:
        return {segments[0].cluster: "All customers"}
    ordered = sorted(
        segments, key=lambda s: (-s.median_spend_365d, s.median_recency_days, -s.customers, s.cluster)
    )
    result: dict[int, str] = {}
    for segment in ordered:
        head = f"{TIERS[segment.value_tier]} {segment.lifecycle}"
        alike = [s for s in ordered if (s.value_tier, s.lifecycle) == (segment.value_tier, segment.lifecycle)]
        others = {phrase for s in alike if s is not segment for phrase in s.phrases[:1]}
        own = [phrase for phrase in segment.phrases if phrase not in others] or list(segment.phrases)
        result[segment.cluster] = _unused(head, own, set(result.values()))
    return result


def _unused(head: str, own: list[str], taken: set[str]) -> str:
    tried = [f"{head}, {phrase}" for phrase in own] or [head]
    tried += [f"{head} {number}" for number in range(2, len(taken) + 3)]
    return next(name for name in tried if name not in taken)


def description(segment: Traits, share: float, currency: str | None) -> str:
    """One sentence about the segment's median customer."""
    money = f"{segment.median_spend_365d:,.0f}" + (f" {currency}" if currency else "")
    text = (
        f"{share:.0%} of customers; the median one spent {money} in the last year "
        f"and ordered {segment.median_recency_days:.0f} days ago"
    )
    return f"{text}; {', '.join(segment.phrases[:3])}." if segment.phrases else f"{text}."
