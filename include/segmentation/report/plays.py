"""Plays as a marketer wants them: what first, by which channel, when, and how it would be measured."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from segmentation.language import numbers
from segmentation.language.texts import t
from segmentation.report.data import Segment

HELD_OUT = 0.2  # share of a campaign that is left alone
FEWEST = 20  # customers in the control group; with fewer nothing can be told
CLEAR = 1.15  # times everybody's share, from which a channel is one of the segment's own


class Ranked(NamedTuple):
    """The first play of a segment and the money at stake; `kind` says which: at_risk, expected, spent."""

    segment: Segment
    play: dict[str, Any]
    stake: float
    kind: str


KINDS = {
    "at_risk": "{money} at risk",
    "expected": "{money} expected",
    "spent": "{money} in 365 days",
}


def stake(segment: Segment, play: dict[str, Any]) -> tuple[float, str]:
    """The money that a play is about, and which it is.

    What was spent in 365 days stands in its place without a forecast, and of segments that are lost already, of
    which nothing is at risk any more.
    """
    about = play.get("stake", "expected")
    if about == "none":
        return 0.0, "expected"
    money = segment.at_risk if about == "at_risk" else segment.expected
    is_lost = about == "at_risk" and money == 0
    return (segment.revenue, "spent") if money is None or is_lost else (money, about)


def ranked(segments: Sequence[Segment]) -> list[Ranked]:
    """The first plays, most money at stake first; none of plays that are about no money."""
    plays = [Ranked(one, one.plays[0], *stake(one, one.plays[0])) for one in segments if one.plays]
    return sorted(
        (one for one in plays if one.stake > 0), key=lambda one: (-one.stake, one.segment.segment_id)
    )


def money(one: Ranked, currency: str | None) -> str:
    """The money at stake in words."""
    return t(KINDS[one.kind], money=numbers.compact(one.stake, currency))


def channel(segment: Segment) -> str | None:
    """The channel that a segment uses more than others do, else the one it uses most; None: not known."""
    rows = segment.habits.get("channel", [])
    own = [row for row in rows if row["share_all"] and row["share"] >= CLEAR * row["share_all"]]
    best = max(own or rows, key=lambda row: (row["share"], row["value"]), default=None)
    return numbers.plain(best["value"]) if best else None


def when(segment: Segment) -> str | None:
    """Channel, weekday and hour to write at; None where no habit is known."""
    has_hours, has_days = segment.habits.get("hour"), segment.habits.get("weekday")
    phrases = []
    if by := channel(segment):
        phrases.append(t("by {channel}", channel=by))
    if has_days:
        phrases.append(t("on {day}", day=segment.busiest_weekday))
    if has_hours:
        phrases.append(t("around {hour} h", hour=int(segment.busiest_hour)))
    return t(", ").join(phrases) or None


def measured(segment: Segment) -> str:
    """Signs by which one would know whether it worked."""
    held_out = round(segment.customers * HELD_OUT)
    if held_out < FEWEST:
        return t("Too few to measure: a control group of a fifth has {n}.", n=held_out)
    return t(
        "Measure it by a campaign that leaves a fifth alone ({n}) and compares spend after 30 days.",
        n=numbers.count(held_out, "customer"),
    )
