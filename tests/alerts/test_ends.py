"""Whatever ends a run writes its verdict and tells somebody: a timeout, a kill, a skip, a withdrawal."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowTaskTimeout

from segmentation import alerts
from segmentation.errors import SettingsError, WarehouseError
from segmentation.pipeline import callbacks, listening, tasks
from segmentation.runs import register
from segmentation.settings import Settings
from segmentation.warehouse import db

DAY = date(2026, 11, 23)


def dag_context(night: Any, reason: str, *, is_minimal: bool = False) -> dict[str, Any]:
    """Context that Airflow hands to a callback of a DAG; without a task that was unfinished it is not much."""
    context = {
        "dag": SimpleNamespace(dag_id="customer_segmentation"),
        "run_id": "scheduled__1",
        "reason": reason,
    }
    if is_minimal:
        return context
    run = SimpleNamespace(
        run_id="scheduled__1", logical_date=None, run_after=datetime(2026, 11, 23, 2, tzinfo=UTC)
    )
    task = SimpleNamespace(task_id="extract", map_index=-1, dag_id="customer_segmentation")
    return {**context, "dag_run": run, "ti": task, "params": {"as_of_date": DAY.isoformat()}}


def find(night: Any) -> dict[str, Any]:
    with night.warehouse.connect(readonly=True) as conn:
        return register.find(conn, night.run_id)


@pytest.mark.parametrize("is_minimal", [False, True])
def test_a_run_that_took_too_long_is_ended_and_told(start, told, is_minimal):
    """Airflow skips its tasks and calls nothing else: it said `running` for ever, and nobody knew."""
    night = start(DAY, "scheduled__1")
    callbacks.end_run(dag_context(night, "timed_out", is_minimal=is_minimal))
    found = find(night)
    assert (found.status, found.ended_by) == ("failed", "timeout")
    assert found.verdict.startswith("the run took longer than 6 hours")
    (body,) = told.bodies
    assert "the run took longer than 6 hours" in body["message"]


def test_a_run_whose_logical_date_is_to_come_is_told_though_it_never_began(deployment, told):
    """`start` cannot refuse it, for Airflow does not begin it."""
    context = dag_context(None, listening.IN_THE_FUTURE)
    context["dag_run"].logical_date = datetime(2099, 3, 1, tzinfo=UTC)
    callbacks.end_run(context)
    assert "its logical date 2099-03-01 00:00:00+00:00 is in the future" in told.bodies[0]["message"]


def test_a_run_that_never_began_and_took_too_long_is_told(deployment, told):
    callbacks.end_run(dag_context(None, "timed_out"))
    assert "longer than 6 hours" in told.bodies[0]["message"]


def test_what_a_task_has_told_is_not_told_again(start, told):
    night = start(DAY, "scheduled__1")
    register.finish(night.warehouse, night.run_id, "failed", "extract: the shop did not answer")
    callbacks.end_run(dag_context(night, "task_failure"))
    assert find(night).verdict == "extract: the shop did not answer"
    assert told.bodies == []


def test_a_failed_dag_run_whose_task_told_nothing_leaves_no_run_running(start, told):
    night = start(DAY, "scheduled__1")
    callbacks.end_run(dag_context(night, "all_tasks_deadlocked"))
    assert (find(night).status, find(night).ended_by) == ("failed", "skipped")
    assert len(told.bodies) == 1


@pytest.mark.parametrize(
    ("exception", "ended_by", "says"),
    [
        (AirflowTaskTimeout("Timeout, PID: 1"), "timeout", "extract: it took longer than 180 minutes"),
        ("Task did not emit heartbeat within time limit", "killed", "extract: failed: Task did not emit"),
        (WarehouseError("the warehouse is busy: x has it"), None, "extract: the warehouse is busy: x has it"),
    ],
)
def test_a_task_that_did_not_end_itself_is_told_apart(start, told, exception, ended_by, says):
    night = start(DAY, "scheduled__1")
    context = dag_context(night, "") | {"exception": exception}
    context["ti"].xcom_pull = lambda task_ids: {"run_id": night.run_id}
    callbacks.record_failure(context)
    assert (find(night).status, find(night).ended_by) == ("failed", ended_by)
    assert find(night).verdict.startswith(says)
    assert len(told.bodies) == 1


@pytest.mark.parametrize(
    "write", [Path.write_text, lambda file, _: pd.DataFrame({"a": [1]}).to_parquet(file)]
)
def test_a_full_disk_of_the_artifacts_is_told_with_its_place(start, told, tmp_path, write):
    """`OSError: [Errno 28] No space left on device` was told, and not where."""
    night = start(DAY, "scheduled__1")
    (tmp_path / "matrix").symlink_to("/dev/full")  # where nobody ever has room
    with pytest.raises(OSError, match="No space left") as full:
        write(tmp_path / "matrix", "x")
    context = dag_context(night, "") | {"exception": full.value}
    context["ti"].xcom_pull = lambda task_ids: {"run_id": night.run_id}
    callbacks.record_failure(context)
    says = rf"extract: the disk of .*{tmp_path}/artifacts is full: .*make room there, or name another place"
    assert re.match(says, find(night).verdict)
    assert "is full" in told.bodies[0]["message"]


def test_a_withdrawal_is_told_also_of_a_date_that_was_told_of_before(start, deployment, told):
    night = start(DAY, "scheduled__1")
    alerts.no_data(night)
    alerts.withdrawn(DAY, night.run_id, "ada", "the file of last week")
    assert [body["title"] for body in told.bodies][1] == "[demo] 2026-11-23: withdrawn"
    assert "ada has taken back" in told.bodies[1]["message"]
    assert "the file of last week" in told.bodies[1]["message"]


def test_a_withdrawn_date_that_never_will_be_published_leaves_no_incident_open(start, deployment, told):
    alerts.withdrawn(date(2099, 1, 1), "far", "ada", "")
    with deployment.connect() as conn:
        assert db.scalar(conn, "select count(*) from quality.alerts where recovered_at is null") == 0


def test_start_refuses_a_date_that_is_to_come_before_anything_is_written(deployment, monkeypatch):
    """2099-01-01 was published with a warning, and stayed the newest date."""
    run = SimpleNamespace(run_id="manual__1", logical_date=None, run_after=datetime.now(UTC))
    context = {"dag_run": run, "params": {"as_of_date": "2099-01-01", "backfill": None}}
    monkeypatch.setattr(tasks, "get_current_context", lambda: context)
    with pytest.raises(SettingsError, match=r"AS_OF=2099-01-01 is in the future: it is 20.* in the shop"):
        tasks.start()
    with deployment.connect() as conn:
        assert db.scalar(conn, "select count(*) from segments.runs") == 0


def test_start_ends_and_tells_of_a_run_of_another_date_that_is_dead(start, deployment, told):
    night = start(DAY, "scheduled__0")
    with deployment.connect() as conn:
        db.execute(conn, "update segments.runs set heartbeat_at = now() - interval '1 day'")
    tasks._end_dead(deployment)
    assert find(night).ended_by == "killed"
    assert "no sign of life since" in told.bodies[0]["message"]


def test_today_is_no_future_anywhere():
    from segmentation import dates

    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        tz = Settings(shop={"timezone": zone}).tz
        dates.refuse_future(dates.today(tz), tz)
