"""Real nights: every part of Airflow as processes, the DAG triggered through its API."""

import json
import re
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from segmentation import db
from tests.local import Machine

START_SECONDS, RUN_SECONDS, STOP_SECONDS = 180, 300, 60
SMALL = {
    "SEGMENTATION__SHOP__DEMO_CUSTOMERS": "200",
    "SEGMENTATION__MODEL__ALGORITHMS": '["kmeans", "gaussian_mixture"]',
}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="seg-local-", ignore_cleanup_errors=True) as folder:
        yield Machine(Path(folder))


def call(url: str, token: str | None = None, body: dict | None = None) -> dict:
    """One request to Airflow's API."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def lines_until(process: subprocess.Popen, wanted: str, seconds: float) -> str:
    """What a process prints, up to the line that has `wanted` in it."""
    seen, deadline = "", time.monotonic() + seconds
    while time.monotonic() < deadline and (line := process.stdout.readline()):
        seen += line
        if wanted in line:
            return seen
    raise AssertionError(f"'{wanted}' was never printed:\n{seen}")


def test_the_dag_triggered_in_the_ui_runs_green_under_the_scheduler_and_ctrl_c_stops_everything(machine):
    up = subprocess.Popen(
        machine.command("up"),
        env={**machine.environment, **SMALL},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        told = lines_until(up, "Ctrl-C", START_SECONDS)
        address = re.search(r"http://localhost:\d+", told)[0]
        password = re.search(r"log in as admin, password (\S+)", told)[1]
        who = {"username": "admin", "password": password}
        token = call(f"{address}/auth/token", body=who)["access_token"]
        runs = f"{address}/api/v2/dags/customer_segmentation/dagRuns"
        wait_for_the_dag(address, token)
        run = call(runs, token, {"logical_date": None, "conf": {"as_of_date": "2026-03-02"}})
        ended = wait_for_the_end(f"{runs}/{run['dag_run_id']}", token)
        assert ended["state"] == "success", failures(f"{runs}/{run['dag_run_id']}", token)

        with machine.warehouse("demo").connect(readonly=True) as conn:
            row = db.row(conn, "select status, dag_run_id, counts from segments.runs")
            customers = db.scalar(conn, "select count(*) from segments.current_customer_segments")
        assert (row["status"], row["dag_run_id"]) == ("published", run["dag_run_id"])
        assert customers == row["counts"]["customers"] > 100
        events = call(f"{address}/api/v2/assets/events", token)["asset_events"]
        assert [event["extra"]["as_of_date"] for event in events] == ["2026-03-02"]
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(STOP_SECONDS)
    assert up.returncode == 0
    with pytest.raises(OSError):  # nobody listens any more
        call(f"{address}/api/v2/monitor/health")


def wait_for_the_dag(address: str, token: str) -> None:
    """Until the dag processor has parsed the DAG."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        dags = call(f"{address}/api/v2/dags", token)["dags"]
        if any(dag["dag_id"] == "customer_segmentation" for dag in dags):
            return
        time.sleep(1)
    raise AssertionError("the DAG was never parsed")


def wait_for_the_end(run: str, token: str) -> dict:
    """The DAG run, once it has ended."""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        found = call(run, token)
        if found["state"] in ("success", "failed"):
            return found
        time.sleep(1)
    raise AssertionError(f"the run has not ended after {RUN_SECONDS} s: {found['state']}")


def failures(run: str, token: str) -> list[tuple[str, str]]:
    """The tasks of a run that are not green."""
    tasks = call(f"{run}/taskInstances", token)["task_instances"]
    return [(task["task_id"], task["state"]) for task in tasks if task["state"] != "success"]
