"""The playbook: every segment has a play, and a fault in the file is named."""

import itertools

import pytest

from segmentation.errors import SettingsError
from segmentation.language.texts import speaking
from segmentation.segments import naming, playbook

PLAYS = playbook.load()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_of_segment_has_a_play_in_every_language(language):
    with speaking(language):
        for tier, stage in itertools.product(naming.TIERS, naming.STAGES):
            plays = playbook.plays_for(PLAYS, tier, stage, ())
            assert 1 <= len(plays) <= playbook.MOST, (tier, stage)
            assert all(all(play.values()) for play in plays)
            assert all(play["advice"].isascii() == (language == "en") for play in plays)


def test_the_five_plays_that_the_founders_asked_for_are_there():
    first = {
        (tier, stage): playbook.plays_for(PLAYS, tier, stage, ())[0]["play"]
        for tier, stage in itertools.product(naming.TIERS, naming.STAGES)
    }
    assert first["high", "active"] == "reward"
    assert first["high", "lapsed"] == first["mid", "cooling"] == "win_back"
    assert first["low", "active"] == "upsell"
    assert {first[tier, "new"] for tier in naming.TIERS} == {"onboard"}
    assert first["low", "lapsed"] == "leave_alone"


def test_traits_call_for_plays_and_the_reason_says_so():
    plays = playbook.plays_for(PLAYS, "mid", "active", ("discount_share+", "return_rate+", "mean_rating-"))
    assert [play["play"] for play in plays] == ["upsell", "full_price", "fewer_returns"]
    assert plays[1]["reason"] == "active, buys on discount"


@pytest.mark.parametrize("segments", range(1, 13))
@pytest.mark.parametrize("kind", list(itertools.product(naming.TIERS, naming.STAGES)))
def test_no_play_is_on_more_than_a_third_of_the_cards_and_none_is_without(kind, segments):
    given = playbook.plays_of_all(PLAYS, [(*kind, (), None)] * segments)
    assert all(1 <= len(plays) <= playbook.MOST for plays in given)
    on_cards = [play["play"] for plays in given for play in plays]
    assert all(on_cards.count(play) <= max(1, segments // 3) for play in on_cards)
    texts = [play["advice"] for plays in given for play in plays]
    assert all(texts.count(text) <= max(1, segments // 3) for text in texts)


@pytest.mark.parametrize("segments", range(1, 13))
@pytest.mark.parametrize("kind", list(itertools.product(naming.TIERS, naming.STAGES)))
def test_only_who_brings_little_and_has_gone_silent_is_left_alone(kind, segments):
    """However many segments are alike, none that brings money is told that there is little to gain."""
    given = playbook.plays_of_all(PLAYS, [(*kind, (), None)] * segments)
    stakes = {play["stake"] for plays in given for play in plays}
    is_left = kind[0] == "low" and kind[1] in ("cooling", "lapsed")
    assert is_left or "none" not in stakes


def test_who_brings_most_gets_the_play_that_fits_best():
    first, *others = playbook.plays_of_all(PLAYS, [("high", "active", (), None)] * 3)
    assert [play["play"] for play in first] == ["reward"]
    assert all("reward" not in {play["play"] for play in plays} for plays in others)
    assert {play["stake"] for play in playbook.plays_for(PLAYS, "high", "lapsed", ())} == {"at_risk"}


def test_what_a_segment_must_not_have(tmp_path):
    when = playbook.When(traits=("reviews_per_order+",), without=("mean_rating-",))
    assert when.reasons("low", "new", ("reviews_per_order+",)) == ["reviews a lot"]
    assert when.reasons("low", "new", ("reviews_per_order+", "mean_rating-")) is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("- {play: a, title: {en: A}, advice: {en: B}, when: {traits: [wealth+]}}",
         "play 1, when.traits: 'wealth+' is no feature"),
        ("- {play: a, title: {fr: A}, advice: {en: B}}", "play 1, title"),
        ("- {play: a, title: {en: A}}", "play 1, advice: Field required"),
        ("- {play: a, title: {en: A}, advice: {en: B}, when: {tier: [high]}}", "play 1, when.tier"),
        ("- {play: a, title: {en: A}, advice: {en: B}}\n" * 2, "play 'a' is there twice"),
        ("- {play: [", "not readable as YAML"),
        ("play: a", "playbook.yaml"),
    ],
)  # fmt: skip
def test_a_fault_is_named(content, expected, tmp_path):
    file = tmp_path / "playbook.yaml"
    file.write_text(content)
    with pytest.raises(SettingsError, match=r"playbook\.yaml") as refused:
        playbook.load(file)
    assert expected in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match="no such file"):
        playbook.load(tmp_path / "playbook.yaml")
