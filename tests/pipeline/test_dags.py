"""The DAG files: what is there, that they load, and that they are wiring."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from segmentation import applications

PROJECT = Path(__file__).parents[2]
HEAVY = ("pandas", "numpy", "sklearn", "scipy", "great_expectations", "altair", "pyarrow", "skops")

# The DAGs as Airflow loads them, in a process of its own: what is imported by then is what each parse costs.
LOADED = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
before = set(sys.modules)
bag = DagBag("dags")

def first_run(timetable):
    from unittest.mock import patch
    import pendulum
    from airflow._shared.timezones import timezone
    from airflow.serialization.encoders import encode_timetable
    from airflow.serialization.decoders import decode_timetable
    from airflow.timetables import trigger
    from airflow.timetables.base import TimeRestriction
    core = decode_timetable(encode_timetable(timetable))
    if not hasattr(core, "_calc_first_run"):
        return None
    # a Sunday, a minute after the maintenance
    now = pendulum.datetime(2026, 11, 22, 5, 1, tz="Europe/London")
    with patch.object(trigger, "utcnow", lambda: now):
        found = core.next_dagrun_info(
            last_automated_data_interval=None, restriction=TimeRestriction(None, None, False)
        )
    return found.run_after.in_timezone("Europe/London").isoformat()

imported = {name.split(".")[0] for name in set(sys.modules) - before}
dags = {
    dag_id: {
        "doc": dag.doc_md,
        "tags": sorted(dag.tags),
        "hours": dag.dagrun_timeout and dag.dagrun_timeout.total_seconds() / 3600,
        "callback": getattr(dag.on_failure_callback, "__name__", None),
        "first": first_run(dag.timetable),
        "assets": [asset.name for asset in dag.schedule] if isinstance(dag.schedule, list) else [],
        "tasks": {
            task.task_id: {
                "retries": task.retries,
                "pool": task.pool,
                "policy": type(task.retry_policy).__name__,
                "upstream": sorted(task.upstream_task_ids),
                "reports": task.on_failure_callback is not None,
                "minutes": task.execution_timeout and task.execution_timeout.total_seconds() / 60,
                "links": sorted(link.name for link in task.operator_extra_links),
                "default": getattr(task, "defaults", None),
                "fails": getattr(task, "fail_on_reject", None),
                "unrolls": getattr(task, "multiple_outputs", False),
                "seconds": (limit := getattr(task, "response_timeout", None)) and limit.total_seconds(),
            }
            for task in dag.tasks
        },
    }
    for dag_id, dag in bag.dags.items()
}
print("LOADED" + json.dumps({"errors": bag.import_errors, "imported": sorted(imported), "dags": dags}))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> dict:
    import os

    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "PYTHONPATH": str(PROJECT / "include"),
    }
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOADED],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in ran.stdout.splitlines() if line.startswith("LOADED")]
    assert found, ran.stdout + ran.stderr
    return json.loads(found[0].removeprefix("LOADED"))


def test_the_dags_are_exactly_these_and_load(loaded):
    assert loaded["errors"] == {}
    assert set(loaded["dags"]) == {"audiences", "customer_segmentation", "warehouse_maintenance"}


def test_loading_a_dag_imports_nothing_heavy(loaded):
    assert set(loaded["imported"]).isdisjoint(HEAVY)


def test_every_task_retries_reports_its_failure_and_heavy_ones_share_a_pool(loaded):
    tasks = loaded["dags"]["customer_segmentation"]["tasks"]
    for name, task in {**tasks, **loaded["dags"]["warehouse_maintenance"]["tasks"]}.items():
        assert task["retries"] == 3, name
        assert task["policy"] == "ExceptionRetryPolicy", name
        assert task["reports"], name
    applied = {application.name for application in applications.registered()}
    assert {name for name, task in tasks.items() if task["pool"] != "default_pool"} == {"fit", *applied}


def test_what_a_task_of_the_night_returns_is_one_xcom(loaded):
    """A dictionary unrolled is a request more a key, and nobody asks for one by its key."""
    tasks = loaded["dags"]["customer_segmentation"]["tasks"]
    assert [name for name, task in tasks.items() if task["unrolls"]] == []


def test_every_task_and_every_run_has_a_limit_and_whatever_ends_a_run_tells(loaded):
    for dag_id, dag in loaded["dags"].items():
        assert dag["callback"] == "end_run", dag_id
        for name, task in dag["tasks"].items():
            assert task["minutes"], f"{dag_id}.{name}"
            assert task["minutes"] < 60 * dag["hours"], f"{dag_id}.{name}"
    tasks = loaded["dags"]["customer_segmentation"]["tasks"]
    assert tasks["approve"]["minutes"] * 60 > tasks["approve"]["seconds"]  # the time to decide is over before


def test_a_dag_that_is_switched_on_for_the_first_time_runs_when_it_is_due_next(loaded):
    """A minute after it was due it ran at once, which nobody had asked for."""
    assert loaded["dags"]["customer_segmentation"]["first"] == "2026-11-23T02:00:00+00:00"
    assert loaded["dags"]["warehouse_maintenance"]["first"] == "2026-11-29T05:00:00+00:00"


def test_nothing_is_published_before_all_three_gates(loaded):
    tasks = loaded["dags"]["customer_segmentation"]["tasks"]

    def before(name: str) -> set[str]:
        return set(tasks[name]["upstream"]).union(*(before(task) for task in tasks[name]["upstream"]))

    assert {"check_sources", "check_features", "check_segments"} <= before("publish")
    assert "check_sources" in before("clean")


def test_a_held_night_asks_somebody_before_it_is_published_and_silence_is_no(loaded):
    tasks = loaded["dags"]["customer_segmentation"]["tasks"]
    applied = [application.name for application in applications.registered()]
    assert tasks["hold"]["upstream"] == sorted(["check_segments", "start", *applied])
    assert tasks["approve"]["upstream"] == ["hold"]
    assert {"hold", "approve"} <= set(tasks["publish"]["upstream"])
    approve = tasks["approve"]
    assert (approve["default"], approve["fails"], approve["seconds"]) == (["Reject"], True, 10 * 3600)


def test_gates_and_reports_have_links_to_their_pages(loaded):
    tasks = loaded["dags"]["customer_segmentation"]["tasks"]
    linked = {name: task["links"] for name, task in tasks.items() if task["links"]}
    docs, every = ["Data Docs"], ["Data Docs", "Report", "Segments"]
    gates = dict.fromkeys(
        ("extract", "check_sources", "clean", "check_features", "check_segments", "approve"), docs
    )
    assert linked == {**gates, "publish": every, "report": every}


@pytest.mark.parametrize("name", ["customer_segmentation", "warehouse_maintenance"])
def test_a_dag_says_what_a_person_paged_at_night_needs(name, loaded):
    dag = loaded["dags"][name]
    for heading in (
        "**When**",
        "**For which date**",
        "**Reads**",
        "**Writes**",
        "**When it fails**",
        "**When it is held**",
        "**Running it again**",
    ):
        assert heading in " ".join(dag["doc"].split()), heading
    assert set(dag["tags"]) <= {"segmentation", "nightly", "maintenance"}


def test_audiences_are_exported_when_the_newest_date_is_published(loaded):
    dag = loaded["dags"]["audiences"]
    assert dag["assets"] == ["customer_segments"]
    assert dag["tags"] == ["export", "segmentation"]
    (task,) = dag["tasks"].values()
    assert (task["retries"], task["policy"], task["reports"]) == (3, "ExceptionRetryPolicy", True)
    for heading in ("**When**", "**Reads**", "**When it fails**"):
        assert heading in dag["doc"], heading


def test_dag_files_are_wiring():
    for file in (PROJECT / "dags").glob("*.py"):
        assert len(file.read_text().splitlines()) <= 150, file.name


def test_each_task_that_advice_or_a_runbook_names_is_there(loaded):
    """Advice of the gates says "the task choose", a runbook "the task `choose`"."""
    tasks = {task.split(".")[-1] for dag in loaded["dags"].values() for task in dag["tasks"]}
    advice = "\n".join(
        file.read_text() for file in (PROJECT / "include/segmentation").glob("*/expectations.py")
    )
    named = set(re.findall(r"\bthe task (\w+)", advice))
    assert named, "the advice of the gate on segments names a task"
    for runbook in (PROJECT / "docs" / "runbooks").glob("*.md"):
        named |= set(re.findall(r"\b[Tt]he tasks? `(\w+)`", runbook.read_text()))
    assert sorted(named - tasks) == []
