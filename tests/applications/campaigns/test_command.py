"""The words of the command `campaign`."""

from datetime import date

import pytest

from segmentation.applications.campaigns import command, definition
from segmentation.errors import SettingsError
from tests.applications.campaigns.shop import AFTER, ENDS, FIRST, STARTS, CampaignShop, use
from tests.small_shop import progress_list


def given(**told: str) -> dict:
    words = {
        "campaign_id": "",
        "name": "Win back",
        "segments": "1,2",
        "first": f"{STARTS}",
        "last": f"{ENDS}",
    }
    return command.parsed(**{**words, "held_out": "", "note": "", **told})


def test_words_become_a_definition():
    asked = definition.read({k: v for k, v in given().items() if v not in ("", None)}, "campaign")
    assert (asked.campaign_id, asked.segments, asked.held_out) == ("win-back", (1, 2), 0.2)
    assert (asked.starts_on, asked.ends_on, asked.days) == (STARTS, ENDS, 10)


@pytest.mark.parametrize("told", [{"segments": "1,x"}, {"first": "soon"}, {"held_out": "a fifth"}])
def test_words_that_are_none_are_refused_with_how_they_are_written(told):
    with pytest.raises(SettingsError, match="SEGMENTS=3,7 FROM=2026-03-05"):
        given(**told)


@pytest.mark.parametrize(
    ("name", "identifier"),
    [("Frühling & Sommer!", "fruhling-sommer"), ("  --A--  ", "a"), ("x" * 100, "x" * 60)],
)
def test_a_name_becomes_an_id(name, identifier):
    told = {"name": name, "segments": [1], "from": date(2024, 3, 5), "to": date(2024, 3, 9)}
    assert definition.read(told, "campaign").campaign_id == identifier


def test_a_campaign_from_its_words_to_its_result(warehouse_db, tmp_path, monkeypatch):
    use(monkeypatch, tmp_path)
    shop = CampaignShop(warehouse_db, tmp_path)
    shop.habits()
    shop.night_of(FIRST)
    said, say = progress_list()
    command.listed(shop.warehouse, say)
    assert said.pop() == "there is no campaign yet"
    command.make(shop.warehouse, shop.settings, given(held_out="0.3", note="a coupon"), "ana", say)
    assert said[0] == f"win-back: Win back, {STARTS} – {ENDS}"
    assert "left alone (30% held out)" in said[1]
    said.clear()
    command.listed(shop.warehouse, say)
    assert "not begun" in said.pop()
    shop.spend([(c, STARTS, 10.0 if held else 30.0) for c, held in shop.arms().items()])
    shop.night_of(STARTS.replace(day=STARTS.day + 2))
    command.listed(shop.warehouse, say)
    assert "under way" in said.pop()
    shop.spend([(c, ENDS, 1.0 + int(c[1:]) % 5) for c in shop.arms()])
    shop.night_of(AFTER)
    command.listed(shop.warehouse, say)
    assert "brought more" in said.pop()
    said.clear()
    command.show(shop.warehouse, shop.settings, "win-back", say)
    assert sum("brought more" in line for line in said) == 3  # everybody, and both segments
    with pytest.raises(SettingsError, match="there is no campaign nobody"):
        command.show(shop.warehouse, shop.settings, "nobody", say)
