"""One alert an incident, kept in a real Postgres."""

import threading
from datetime import date
from typing import get_args

import pytest

from segmentation.alerts import record
from segmentation.alerts.message import Alert, Kind, Text
from segmentation.warehouse import db

DAY = date(2026, 11, 23)
TEXT = Text("title", "body\n")


def alert(kind: str, run_id: str | None = "run1", day: date = DAY, dag_run_id: str | None = None) -> Alert:
    return Alert(kind, "demo", day, run_id, dag_run_id=dag_run_id)


def tell(conn: db.Connection, one: Alert, delivered: bool = True) -> bool:
    """Claim and settle, as the notifier does."""
    if claimed := record.claim(conn, one, TEXT):
        record.settle(conn, one, delivered, None if delivered else "nobody home")
    return claimed


# What was told of the incident before (with whether somebody got it), what is told now, whether it is sent.
SEQUENCES = [
    pytest.param([], "gate", True, id="the first"),
    pytest.param([("task", True)], "task", False, id="a second task"),
    pytest.param([("task", False)], "task", False, id="a second task, of which nobody heard: once is enough"),
    pytest.param([("gate", True)], "late", False, id="a failure that is also late"),
    pytest.param([("gate", False)], "late", True, id="nobody heard of the failure"),
    pytest.param([("late", True)], "gate", True, id="late, and then it failed"),
    pytest.param([("late", True), ("gate", True)], "task", False, id="told in full"),
    pytest.param([("held", True)], "task", False, id="held, and the decision timed out"),
    pytest.param([("gate", True)], "recovered", True, id="over"),
    pytest.param([("gate", True), ("recovered", True)], "recovered", False, id="over, told twice"),
]


@pytest.mark.parametrize(("before", "kind", "sent"), SEQUENCES)
def test_an_incident_is_told_once(warehouse, before, kind, sent):
    for earlier, delivered in before:
        assert tell(warehouse, alert(earlier), delivered)
    assert tell(warehouse, alert(kind)) == sent


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_of_alert_can_be_kept(warehouse, kind):
    assert tell(warehouse, alert(kind))


def test_another_run_of_the_date_and_another_date_are_other_incidents(warehouse):
    assert tell(warehouse, alert("gate"))
    assert tell(warehouse, alert("gate", run_id="run2"))
    assert tell(warehouse, alert("gate", day=date(2026, 11, 24)))
    assert tell(warehouse, alert("task", run_id=None, dag_run_id="scheduled__1"))
    assert not tell(warehouse, alert("task", run_id=None, dag_run_id="scheduled__1"))


def test_tasks_that_fail_in_the_same_moment_send_one_alert(warehouse_db):
    claims, together = [], threading.Barrier(4)

    def fail() -> None:
        with warehouse_db.connect() as conn:
            together.wait()
            claims.append(record.claim(conn, alert("task"), TEXT))

    threads = [threading.Thread(target=fail) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claims) == [False, False, False, True]


def test_an_alert_whose_sender_died_does_not_silence_what_follows(warehouse):
    assert record.claim(warehouse, alert("task"), TEXT)
    assert not record.claim(warehouse, alert("late"), TEXT)
    db.execute(warehouse, "update quality.alerts set at = now() - interval '1 hour'")
    assert record.claim(warehouse, alert("late"), TEXT)


def test_a_publication_closes_every_open_incident_of_its_date_once(warehouse):
    for kind, run_id, day in (("gate", "a", DAY), ("task", "b", DAY), ("gate", "c", date(2026, 11, 22))):
        tell(warehouse, alert(kind, run_id, day))
    assert {row["run_id"] for row in record.open_incidents(warehouse)} == {"a", "b", "c"}
    assert [row["kind"] for row in record.recover(warehouse, DAY, "d")] == ["gate", "task"]
    assert record.recover(warehouse, DAY, "d") == []
    assert [row["run_id"] for row in record.open_incidents(warehouse)] == ["c"]
    assert record.open_incidents(warehouse, DAY) == []


def test_every_column_has_a_meaning(warehouse):
    missing = db.rows(
        warehouse,
        "select attname from pg_attribute where attrelid = 'quality.alerts'::regclass and attnum > 0 "
        "and col_description(attrelid, attnum) is null",
    )
    assert missing == []
