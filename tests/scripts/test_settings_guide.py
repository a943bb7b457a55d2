"""The guide to the settings: complete, and what the code says."""

from pathlib import Path

from scripts import settings_guide
from segmentation.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_every_setting_says_what_it_is():
    assert [name for name, _, meaning in settings_guide.rows(Settings) if not meaning] == []


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text() == settings_guide.guide(), "run 'make docs' and commit what it writes"
