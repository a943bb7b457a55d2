"""The notebooks in docs/tutorials run from top to bottom, on a shop that is published."""

import json
from urllib.parse import urlencode

import pytest

from tests.docs.pages import DOCS
from tests.report import sample

NOTEBOOKS = sorted((DOCS / "tutorials").glob("*.ipynb"))


def cells(file, kind="code"):
    """The sources of a notebook's cells."""
    return [
        "".join(cell["source"])
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == kind
    ]


def test_there_is_one():
    assert [file.name for file in NOTEBOOKS] == ["analyst.ipynb"]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_runs(file, warehouse_db, tmp_path, monkeypatch):
    sample.publish(sample.night(warehouse_db, tmp_path))
    monkeypatch.setenv("SEGMENTATION_DSN", f"postgresql:///?{urlencode(warehouse_db.params)}")
    known = {}
    for number, source in enumerate(cells(file)):
        exec(compile(source, f"{file.name}, cell {number}", "exec"), known)  # noqa: S102 (our own)
    assert known["six"].customers["segment"].nunique() == 6
    assert "complete" in set(known["both"].leaderboard["algorithm"])


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_kept_without_what_it_printed(file):
    """Outputs have values of a shop in them."""
    kept = json.loads(file.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in kept)
