"""A backfill under the real scheduler whose tasks are killed comes to the rows of one that is left alone."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from segmentation import db
from tests.faults.kills import FIRST, RELATIONS, SHOP, Backfill
from tests.local import Machine


@pytest.fixture(scope="module")
def backfill() -> Iterator[Backfill]:
    # not pytest's own folder: as root the server is another user, who may not look into it
    with tempfile.TemporaryDirectory(prefix="seg-local-", ignore_cleanup_errors=True) as folder:
        backfill = Backfill(Machine(Path(folder)), dates=2)
        with backfill.services():
            yield backfill


def test_two_killed_tasks_change_no_row(backfill):
    expected = backfill.undisturbed()
    assert all(expected[table] for table in RELATIONS[:4])
    said = (backfill.machine.folder / "backfill.log").read_text()
    assert f"1/2  {FIRST}  published" in said
    assert "BACKFILL  2026-03-02 to 2026-03-03: 2 published" in said
    assert backfill.disturbed(kills=2) == ["a task", "a task"]
    assert backfill.rows() == expected
    with backfill.machine.warehouse(SHOP).connect(readonly=True) as conn:
        assert db.rows(conn, "select * from segments.stale_dates") == []
