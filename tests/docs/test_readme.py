"""The README is short, and what it shows is of real runs and in the words of today's code."""

import hashlib
import re

import pytest

from scripts import readme_excerpts
from scripts.readme_excerpts import README, RUNS, sections, stored
from segmentation.report import summary
from tests.docs.pages import DOCS
from tests.language.test_texts import in_python
from tests.report import sample

TEXT = README.read_text(encoding="utf-8")
NAMES = [file.stem for file in sorted(RUNS.glob("*.yaml"))]


def joined(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def test_it_is_short():
    assert len(TEXT.splitlines()) <= 130


def test_its_excerpts_are_those_of_the_stored_runs():
    shown = {match[2] for match in readme_excerpts.EXCERPT.finditer(TEXT)}
    assert shown == set(NAMES) != set()
    assert readme_excerpts.filled(TEXT) == TEXT, (
        "run `python scripts/readme_excerpts.py` and commit the result"
    )


def test_its_pictures_are_of_the_same_run():
    pictures = stored("demo")["pictures"]
    assert set(pictures) == {file.name for file in (DOCS / "images").glob("*.png")}
    for name in ("report.png", "page.png"):
        assert f"docs/images/{name}" in TEXT
    for name, digest in pictures.items():
        assert hashlib.sha256((DOCS / "images" / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_run_has_the_form_of_a_run_of_today(name, warehouse_db, tmp_path):
    night = sample.publish(sample.night(warehouse_db, tmp_path))
    with warehouse_db.connect(readonly=True) as conn:
        today = summary.text(conn, night.run_id, "report")
    then = stored(name)["summary"]
    for text in (then, today):
        assert re.match(r"PUBLISHED  [\d,]+ customers in \d+ segments, as of \d+ [A-Z][a-z]+ \d{4}\n\n", text)
    assert then.splitlines()[2].split() == today.splitlines()[2].split() == joined(summary.COLUMNS).split()
    assert {"", "Why", "Warnings", "Report"} <= set(sections(then)) & set(sections(today))


@pytest.mark.parametrize("name", NAMES)
def test_the_reasons_of_a_stored_run_are_worded_as_today(name):
    why = joined(sections(stored(name)["summary"])["Why"]).removeprefix("Why ")
    sentence, *reasons = re.split(r" - (?=\D|\d+%)", why)
    forms = [re.sub(r"\\{.*?\\}", ".+", re.escape(text)) for text in [*in_python(), *meanings()]]
    assert reasons
    for said in (sentence, *reasons):
        assert any(re.fullmatch(form, said) for form in forms), said


def meanings() -> list[str]:
    from segmentation.report import verdict

    return list(verdict.MEANINGS.values())
