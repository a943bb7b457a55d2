"""Filters and moves by the columns in memory: the same customers as a join of everybody has."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from segmentation.applications import saved_audiences
from segmentation.applications.saved_audiences import Filter
from segmentation.local import postgres
from segmentation.publishing import packed_assignments
from segmentation.runs import register
from segmentation.runs.register import Run
from segmentation.ui import columns, segment
from segmentation.ui.moves import Between
from segmentation.warehouse import db, schema
from tests.machine import server_folder
from tests.report import sample
from tests.ui.conftest import EARLIER

FILTERS = (
    {"segment_ids": [1, 2]},
    {"conditions": [{"feature": "spend_365d", "at_least": 900}]},
    {"segment_ids": [3], "conditions": [{"feature": "recency_days", "at_most": 120}]},
    {"conditions": [{"feature": "recency_days", "at_least": 50}, {"feature": "tenure_days", "at_least": 5}]},
)


@pytest.fixture(scope="module")
def conn(tmp_path_factory) -> Iterator[db.Connection]:
    """Three published dates, without an api-server: nothing here asks one."""
    with server_folder("seg-pg-") as folder:
        server = postgres.start(Path(folder) / "postgres")
        warehouse, nights = postgres.database(server, "warehouse"), None
        schema.migrate(warehouse)
        for day in (EARLIER, sample.BEFORE, sample.TODAY):
            nights = sample.publish(sample.night(warehouse, tmp_path_factory.mktemp("store"), day), nights)
        assert len(packed_assignments.pack_missing(warehouse)) == 3
        with warehouse.connect(readonly=True) as conn:
            yield conn
        server.cleanup()


def run_of(conn: db.Connection, day) -> Run:
    run = register.published(conn, day)
    assert run is not None
    return run


def joined(conn: db.Connection, run: Run, members: Filter, order: str, limit: int, offset: int) -> list[str]:
    query, params = saved_audiences.customers(run, members, order, limit, offset)
    return [row["customer_id"] for row in db.rows(conn, query, params)]


@pytest.mark.parametrize("asked", FILTERS)
def test_a_filter_has_the_customers_that_a_join_has(conn, asked):
    run, members = run_of(conn, sample.TODAY), Filter(**asked)
    selected = columns.select(conn, run, members)
    assert selected is not None
    counted = saved_audiences.counts(conn, run, members)
    assert [(one.segment_id, one.customers) for one in counted] == [one[:2] for one in selected.by_segment()]
    revenue = [one.revenue_365d for one in counted]
    assert [one[2] for one in selected.by_segment()] == pytest.approx(revenue, abs=0.006)
    total = sum(one.customers for one in counted)
    assert total > 20
    for order in ("id", "spend"):
        for limit, offset in ((10, 0), (10, 7), (50, total - 3), (10, total)):
            numbers = selected.page(limit, offset, by_spend=order == "spend")
            rows = db.rows(
                conn, db.statement("ui/numbered_customers.sql"), {**run.params, "numbers": numbers}
            )
            assert [row["customer_id"] for row in rows] == joined(conn, run, members, order, limit, offset)


@pytest.mark.parametrize("order", list(segment.ORDERS))
@pytest.mark.parametrize("which", list(segment.WHICH))
def test_a_segment_has_the_customers_that_its_rows_have(conn, which, order):
    run, shown = run_of(conn, sample.TODAY), 0
    for segment_id in (1, 3, 5, 99):
        for limit, offset in ((10, 0), (10, 7), (1000, 0), (10, 5000)):
            wanted = db.rows(conn, *segment.customers(run, segment_id, which, order, limit, offset))
            rows = segment.page_of(conn, run, segment_id, which, order, limit, offset)
            assert [row | {"segment_id": segment_id} for row in wanted] == rows
            shown += len(rows)
    assert shown > 20


@pytest.mark.parametrize("first", [sample.BEFORE, EARLIER])
@pytest.mark.parametrize("sides", [(None, None), (0, None), (None, 0), (5, None), (5, 7)])
def test_moves_are_those_that_a_join_has(conn, first, sides):
    between = Between(run_of(conn, first), run_of(conn, sample.TODAY), *sides)
    for limit, offset in ((5, 0), (5, 3), (1000, 0)):
        wanted = db.rows(conn, *between.statement(limit, offset))
        assert between.page(conn, limit, offset) == wanted


def test_a_column_is_read_once_and_what_was_asked_for_longest_ago_makes_room(conn, monkeypatch):
    run, read = run_of(conn, sample.TODAY), []
    monkeypatch.setattr(
        columns, "_read", lambda _conn, _run, names: read.extend(names) or {n: np.zeros(100) for n in names}
    )
    kept = columns.Columns(most_bytes=1600)
    assert sorted(kept.of(conn, run, ["a", "b"])) == ["a", "b"]
    kept.of(conn, run, ["a"])
    kept.of(conn, run, ["c"])
    assert read == ["a", "b", "c"]
    kept.of(conn, run, ["a"])
    kept.of(conn, run, ["b"])
    assert read == ["a", "b", "c", "b"]
