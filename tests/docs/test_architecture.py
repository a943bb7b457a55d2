"""docs/architecture.md is the layout that the walls hold, and its picture is that of the README."""

import re
from itertools import pairwise

from scripts import ten_seconds
from tests import test_walls as walls
from tests.docs.pages import DOCS, PROJECT

PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")


def table(title: str) -> list[list[str]]:
    """The rows of the table under `<!-- title -->`."""
    lines = re.search(rf"<!-- {title} -->\n((?:\|.*\n)+)", PAGE)[1].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_rooms_are_those_of_the_walls():
    floors = [set(re.findall(r"`(\w+)`", rooms)) for _, rooms, _ in table("rooms")]
    assert floors == list(walls.ROOMS[:-1])  # the last are shims
    assert [int(number) for number, _, _ in table("rooms")] == list(range(1, len(floors) + 1))


def test_the_folders_of_statements_are_rooms_or_named():
    statements = (PROJECT / "include" / "sql").rglob("*.sql")
    folders = {file.relative_to(PROJECT / "include" / "sql").parts[0] for file in statements}
    row = next(line for line in PAGE.splitlines() if line.startswith("| `include/sql/` |"))
    named = set(re.findall(r"`(\w+)`", row))
    assert named <= folders, "named, and not there"
    assert folders - named <= set().union(*walls.ROOMS)


def test_airflow_is_known_where_the_page_says():
    assert {place.strip("`"): why for place, why in table("airflow")} == walls.AIRFLOW


def test_whoever_may_import_an_application_is_named():
    sentence = re.search(r"\*\*Nothing imports an application\*\*(.*?)\.", PAGE, re.DOTALL)[1]
    assert set(re.findall(r"`(\w+)`", sentence)) == walls.READERS_OF_APPLICATIONS - {"applications"}


def test_the_readme_has_the_same_picture():
    assert ten_seconds.picture() in (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_picture_has_every_stage_in_order():
    drawn = [room for room, step in ten_seconds.stages() if step is None]
    assert drawn[:5] == ["ingestion", "features", "selection", "segments", "publishing"]
    assert set(drawn[5:]) == {"report", "alerts", "ui", "applications"}
    y = [ten_seconds.picture().index(f"\n {room}") for room in drawn[:6]]
    assert all(above < below for above, below in pairwise(y))
