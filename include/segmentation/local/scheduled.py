"""A night of `make run` while `make up` is at work: the scheduler makes it, and the terminal follows.

A scheduler takes the tasks of whatever run it finds, also of one that another process is executing, and then
both fail.
"""

import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from segmentation.errors import SettingsError
from segmentation.local import home as homes
from segmentation.local import services
from segmentation.local.home import Home
from segmentation.runs import dag_ids
from segmentation.warehouse import db
from segmentation.warehouse.db import Database

DAG = dag_ids.NIGHT
READY_SECONDS, FOLLOW_SECONDS = 120, 24 * 3600
HELD = ("running", "deferred", "awaiting_input")  # of the task that asks about a held night
UNTOLD = (None, "scheduled", "removed")  # states of a task that tell a person nothing


@dataclass(frozen=True)
class Followed:
    """A DAG run that the scheduler has made, and its state when it was last seen."""

    dag_run_id: str
    state: str | None


def check(home: Home, environment: Mapping[str, str]) -> None:
    """See that the services at work would make the night that is asked for.

    Raises
    ------
    SettingsError
        They are a backfill's, start just now, or have other settings.
    """
    services_there = services.running(home)
    if services_there.get("is_quiet"):
        raise SettingsError(
            f"a backfill of shop '{home.shop}' is under way in another terminal; wait until it has ended"
        )
    if not services_there:
        raise SettingsError(
            f"the services of shop '{home.shop}' start or stop just now; try again in a minute"
        )
    ours, theirs = services.fingerprints(environment), services_there["settings"]
    if differing := sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)):
        raise SettingsError(
            f"the services of shop '{home.shop}' run with other settings ({', '.join(differing)}): stop them "
            "(Ctrl-C in their terminal), or ask for the night without these"
        )


def run(home: Home, metadata: Database, params: dict[str, Any]) -> Followed:
    """Have the scheduler make a night, and follow it until it has ended, is held, or nobody works on it.

    Raises
    ------
    SettingsError
        The DAG is paused or cannot be read, or the scheduler does not take the night.
    """
    _wait_for_the_dag(metadata)
    run_id = f"manual__make_run_{uuid.uuid4().hex[:12]}"
    _trigger(homes.api(home.folder / "airflow"), run_id, params)
    print("the scheduler of `make up` makes it; Ctrl-C here ends the following only", flush=True)
    return Followed(run_id, _follow(metadata, run_id, lambda: services.are_running(home)))


def _trigger(api: Mapping[str, Any], run_id: str, params: dict[str, Any]) -> None:
    """Ask for the night as the UI does: Airflow's command line takes four seconds of a core for it."""
    from segmentation.operations.backfill.api import Airflow

    if not api:
        raise SettingsError("the services that were to make the night have stopped; try again")
    run = {"dag_run_id": run_id, "logical_date": None, "conf": params}
    try:
        server = Airflow(f"http://{api['host']}:{api['port']}", api["login"], api["password"])
        server.send("POST", f"dags/{DAG}/dagRuns", run)
    except SettingsError as error:
        raise SettingsError(f"the scheduler does not take the night: {error}") from None


def _wait_for_the_dag(metadata: Database) -> None:
    """Wait until the services have read the DAG, which takes them a while after their start."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with metadata.connect(readonly=True) as conn:
            dag = db.row(
                conn, "select is_paused, has_import_errors from dag where dag_id = %(dag)s", {"dag": DAG}
            )
        if dag and dag["has_import_errors"]:
            raise SettingsError("the DAG cannot be read; the UI says why")
        if dag and dag["is_paused"]:
            raise SettingsError(f"the DAG {DAG} is paused, and would wait: unpause it in the UI")
        if dag:
            return
        time.sleep(1)
    raise SettingsError(f"the services have not read the DAG in {READY_SECONDS} s; see their logs")


def _follow(metadata: Database, run_id: str, are_up: Callable[[], bool]) -> str | None:
    """Print what becomes of each task; returns the state of the DAG run."""
    began, state = time.monotonic(), None
    printed: dict[tuple[str, int], str | None] = {}
    while time.monotonic() - began < FOLLOW_SECONDS:
        state, tasks = _look(metadata, run_id)
        for (task, index), became in tasks.items():
            if printed.get((task, index)) != became and became not in UNTOLD:
                name = task if index < 0 else f"{task}[{index}]"
                print(f"{time.monotonic() - began:6.1f} s  {name}: {became}", flush=True)
        printed = tasks
        if state in dag_ids.ENDED or tasks.get(("approve", -1)) in HELD:
            return state
        if not are_up():
            print("the services that made it have stopped", file=sys.stderr)
            return state
        time.sleep(1)
    return state


def _look(metadata: Database, run_id: str) -> tuple[str | None, dict[tuple[str, int], str | None]]:
    """The state of the DAG run, and of its tasks, in the order in which they began."""
    run = {"run_id": run_id, "dag": DAG}
    with metadata.connect(readonly=True) as conn:
        state = db.scalar(
            conn, "select state from dag_run where dag_id = %(dag)s and run_id = %(run_id)s", run
        )
        tasks = db.rows(
            conn,
            "select task_id, map_index, state from task_instance "
            "where dag_id = %(dag)s and run_id = %(run_id)s order by start_date, task_id, map_index",
            run,
        )
    return state, {(task["task_id"], task["map_index"]): task["state"] for task in tasks}
