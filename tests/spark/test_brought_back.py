"""Rows that Spark has written come back into Postgres as they are. No Spark is needed."""

import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segmentation import progress
from segmentation.spark import layout, night
from segmentation.warehouse import db

NOON = datetime(2024, 3, 1, 12, 0, 0, 123456, UTC)
CAME = {
    "day": date(2024, 3, 1),
    "review_id": "",
    "customer_id": None,
    "product_id": 'a "b", c\nd',
    "rating": Decimal("7.500000"),
}
RAW = pa.struct([("day", pa.date32()), *((one.name, one.type) for one in layout.schema("reviews"))])
REFUSED = {
    "review_id": None,
    "rule": "review_id_missing",
    "raw": {**CAME, "reviewed_at": NOON, "body": "größe 😀"},
}
KEPT = {"review_id": "r1", "rule": None, "raw": None}


def written(folder, *files):
    """Files as Spark writes them: one a task, and one without rows."""
    schema = pa.schema([("review_id", pa.string()), ("rule", pa.string()), ("raw", RAW)])
    for number, rows in enumerate(files):
        pq.write_table(pa.Table.from_pylist(list(rows), schema), folder / f"part-{number}.parquet")
    return folder


def test_a_row_comes_back_with_what_it_was(warehouse_db, tmp_path):
    with warehouse_db.connect() as conn:
        query = night._brought_back(conn, "reviews", written(tmp_path, [], [REFUSED], [KEPT]))
        rows = db.rows(conn, f"select rule, (raw).* from ({query}) as q order by rule nulls last")
    refused = {"rule": "review_id_missing", **REFUSED["raw"]}
    assert rows == [refused, dict.fromkeys(refused)]


def test_where_nothing_was_judged_there_is_nothing(warehouse_db, tmp_path):
    with warehouse_db.connect() as conn:
        query = night._brought_back(conn, "reviews", written(tmp_path, []))
        assert db.rows(conn, query) == []


@pytest.mark.parametrize(("done", "steps"), [([1, 2, 3], 3), ([1, 1, 1], 1)])
def test_tasks_that_executors_end_are_the_progress_of_a_run(done, steps):
    """And an executor that hangs is none."""
    pytest.importorskip("py4j", reason="pyspark is not installed (requirements-spark.txt)")
    asked = iter(done)
    ended = threading.Event()

    def stage(_: int) -> SimpleNamespace:
        count = next(asked, None)
        if count is None:
            ended.set()
        return SimpleNamespace(stageId=7, numCompletedTasks=done[-1] if count is None else count)

    tracker = SimpleNamespace(getActiveStageIds=lambda: [7], getStageInfo=stage)
    before = progress.steps()
    night._show_progress(
        SimpleNamespace(sparkContext=SimpleNamespace(statusTracker=lambda: tracker)), ended, 0.001
    )
    assert progress.steps() - before == steps
