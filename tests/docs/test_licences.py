"""docs/licences.md is of the packages that are locked, and none of them is copyleft over a network."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_locked_package_has_a_licence_and_none_is_the_agpl():
    page = (PROJECT / "docs" / "licences.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)[1:]
    listed = {normal(name): licence for name, _, licence in rows}
    names = ("requirements.txt", "requirements-production.txt")
    lock = [line for name in names for line in (PROJECT / name).read_text().splitlines()]
    # a package of another system or Python is locked, too, and not installed here
    here = {normal(re.split(r"[\[=]", line)[0]) for line in lock if "==" in line and ";" not in line}
    assert here - set(listed) == set(), "run: make licences"
    assert "UNKNOWN" not in listed.values()
    assert not [name for name, licence in listed.items() if re.search("AGPL|Affero", licence)]
    assert normal("genieclust") not in listed
