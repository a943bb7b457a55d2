"""Plays: by the money at stake, with channel and hour, and how each would be measured."""

import re
from dataclasses import replace

import pytest

from segmentation.language.texts import speaking
from segmentation.report import data, plays


@pytest.fixture(scope="module")
def segments(published) -> list[data.Segment]:
    return data.read(published).segments


def with_money(segment: data.Segment, expected: float, at_risk: float, about: str) -> data.Segment:
    money = {"horizon_days": 90, "expected": expected, "at_risk": at_risk}
    return replace(segment, money=money, plays=({**segment.plays[0], "stake": about},))


def test_plays_are_ranked_by_the_money_at_stake(segments):
    a, b, c = segments[:3]
    found = plays.ranked(
        [
            with_money(a, 900, 10, "at_risk"),
            with_money(b, 500, 400, "expected"),
            with_money(c, 1, 999, "none"),
        ]
    )
    assert [(one.segment.segment_id, one.stake, one.kind) for one in found] == [
        (b.segment_id, 500, "expected"),
        (a.segment_id, 10, "at_risk"),
    ]
    assert plays.money(found[0], "GBP") == "£500 expected"


def test_without_a_forecast_it_is_what_was_spent(segments):
    found = plays.ranked(segments)
    assert [one.stake for one in found] == sorted((one.revenue for one in segments), reverse=True)
    assert {one.kind for one in found} == {"spent"}


def test_who_is_lost_is_worth_what_they_spent(segments):
    lost = with_money(segments[0], 5, 0, "at_risk")
    (found,) = plays.ranked([lost])
    assert (found.stake, found.kind) == (lost.revenue, "spent")


def test_each_says_when_by_which_channel_and_how_it_is_measured(segments):
    evening = next(one for one in segments if "evening" in one.name)
    assert plays.when(evening).endswith("around 20 h")
    assert plays.when(evening).startswith("by ")
    assert plays.when(replace(evening, habits={})) is None
    with speaking("zh"):
        assert re.search("周[一二三四五六日]，20 点左右$", plays.when(evening))
    assert "a fifth alone (40 customers)" in plays.measured(replace(evening, customers=200))
    assert plays.measured(replace(evening, customers=40)).startswith("Too few to measure")
