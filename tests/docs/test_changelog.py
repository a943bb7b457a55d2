"""The changelog: versions with the same headings, an entry a line."""

import re

from tests.docs.pages import PROJECT

TEXT = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
HEADINGS = ["Breaking", "Added", "Changed", "Fixed"]


def test_the_unreleased_version_has_every_heading_in_order():
    version = re.search(r"^## \d+\.\d+\.\d+ — unreleased\n(.*?)^## ", TEXT, re.DOTALL | re.MULTILINE)[1]
    assert re.findall(r"^### (.*)$", version, re.MULTILINE) == HEADINGS


def test_an_entry_is_a_line():
    version = TEXT.split("\n## ")[1]
    lines = [line for line in version.splitlines()[1:] if line and not line.startswith("### ")]
    assert len(lines) > 20
    broken = [line for line in lines if not re.fullmatch(r"- .*[.\w)]", line)]
    assert broken == [], "an entry is one line, however long"
    assert sorted({line for line in lines if lines.count(line) > 1}) == []
