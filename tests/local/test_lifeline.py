"""Nothing outlives its parent, and two commands never work on one shop at once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psutil
import pytest

from segmentation.errors import SettingsError
from segmentation.local import home as homes
from segmentation.local import postgres, scheduled, services
from segmentation.local.home import Home
from segmentation.warehouse import db
from tests.machine import PROJECT, Commands, Machine, Warm, machine_with, started_by

SECONDS = 180
SMALL = {"SEGMENTATION__MODEL__ALGORITHMS": '["kmeans"]'}

# A chain as of a command, its scheduler, a worker and its task; and a process that a thread of it forks.
CHAIN = """
import os, subprocess, sys, threading, time
from segmentation.pipeline import lifeline
if sys.argv[1:] == ["part"]:
    lifeline.hold()
    pids = [os.getpid()]
    for _ in range(2):
        read, write = os.pipe()
        if os.fork():
            pids.append(int(os.read(read, 20)))
            break
        os.write(write, str(os.getpid()).encode())
    print(*pids, flush=True)
    time.sleep(600)
else:
    environment = {**os.environ, lifeline.PARENT: str(os.getpid())}
    subprocess.run([sys.executable, "-c", os.environ["CHAIN"], "part"], env=environment)
"""


def wait_until(is_so: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    found = []
    for one in processes:
        with suppress(psutil.NoSuchProcess):  # it ended between the two questions
            if one.is_running() and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux does it")
def test_what_a_killed_process_has_forked_ends_with_it():
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "include"), "CHAIN": CHAIN}
    command = [sys.executable, "-c", CHAIN]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        parent.stdout.readline()
        parent.stdout.readline()
        processes = [*started_by(parent.pid)]
        assert len(processes) == 3
        parent.kill()
    wait_until(lambda: not alive(processes), "the end of all")


def test_a_process_whose_parent_is_gone_already_does_not_begin():
    code = "from segmentation.pipeline import lifeline; lifeline.hold(); print('begun')"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "include"), "SEGMENTATION_PARENT": "4194303"}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (-signal.SIGKILL, b"")


@pytest.fixture(scope="module")
def machine(prepared_shop) -> Iterator[Machine]:
    with machine_with(prepared_shop, "demo") as machine:
        yield machine


RUN = ("run", "--customers", "150")


def come_to(stage: str, output: IO[str]) -> None:
    """Wait until a `make run` has come to a stage."""
    seen = ""
    while stage not in seen:
        line = output.readline()
        assert line, seen
        seen += line


@contextmanager
def begun(machine: Machine, warm: Warm, until: str) -> Iterator[subprocess.Popen]:
    """A `make run` that has come to a stage, forked from a process that has its imports."""
    with Commands(machine, warm).run(RUN, {**machine.environment, **SMALL}) as command:
        come_to(until, command.stdout)
        yield command


def statuses(machine: Machine) -> list[tuple[str, str | None]]:
    with machine.warehouse("demo").connect(readonly=True) as conn:
        query = "select status, verdict from segments.runs order by started_at"
        return [(row["status"], row["verdict"]) for row in db.rows(conn, query)]


def dag_runs(machine: Machine) -> list[str]:
    """States of the DAG runs, as a scheduler would see them; the oldest first."""
    server = postgres.start(machine.folder / "demo" / "postgres")
    with postgres.database(server, "airflow").connect(readonly=True) as conn:
        return [row["state"] for row in db.rows(conn, "select state from dag_run order by id")]


def test_a_killed_night_takes_its_process_along_and_the_next_does_not_wait_but_ends_politely(machine, warm):
    commands = Commands(machine, warm)
    with begun(machine, warm, "extract") as command:
        (line,) = [line for line in commands.make("status").stdout.splitlines() if line.startswith("Runs")]
        assert "running" in line
        for other in (RUN, ("up",)):
            refused = commands.make(*other)
            assert refused.returncode == 2
            assert "a night of shop 'demo' is under way in another terminal" in refused.stdout
        processes = [*started_by(command.pid)]
        assert processes
        command.kill()
        command.wait()
    wait_until(lambda: not alive(processes), "the end of the night's process")
    # nobody is at work on the shop, so that it is dead, whatever its lease says
    (line,) = [line for line in commands.make("status").stdout.splitlines() if line.startswith("Runs")]
    assert "killed" in line and "running" not in line
    # the next one begins, and ends on a polite kill as on Ctrl-C
    with begun(machine, warm, "extract") as command:
        assert statuses(machine)[-2] == ("failed", "the night did not end: it was killed")
        processes = [*started_by(command.pid)]
        assert processes
        os.kill(command.pid, signal.SIGTERM)
        said = command.stdout.read()
    assert command.returncode == 130, said
    assert "stopped; nothing of an unfinished run is published" in said
    assert not alive(processes)
    assert statuses(machine)[-1] == ("failed", "the night did not end: it was stopped by whoever ran it")
    assert dag_runs(machine) == ["failed", "failed"]  # a scheduler has one at a time, and would wait for them


def test_a_night_whose_process_was_killed_is_not_said_to_run(machine, warm):
    with begun(machine, warm, "extract") as command:
        (child,) = started_by(command.pid, recursive=False)
        child.kill()
        said = command.stdout.read()
    assert command.returncode == 1
    assert "RUNNING" not in said
    assert "the night did not end: its process ended before it: killed, or out of memory" in " ".join(
        said.split()
    )
    assert statuses(machine)[-1][0] == "failed"


# --- beside services that run ---


@pytest.fixture
def home(tmp_path, monkeypatch) -> Home:
    monkeypatch.setattr(homes, "LOCAL", tmp_path)
    home = Home("demo", "demo")
    (home.folder / "airflow").mkdir(parents=True)
    return home


def test_a_night_beside_a_backfill_or_other_settings_is_refused(home):
    processes = home.folder / "airflow" / "processes.json"
    with pytest.raises(SettingsError, match="start or stop just now"):
        scheduled.check(home, {})
    parts = services.Parts({}, {"SEGMENTATION__SHOP__DATA": "a.csv"}, 8080, Path(), processes, True)
    parts.remember()
    with pytest.raises(SettingsError, match="a backfill of shop 'demo' is under way"):
        scheduled.check(home, {})
    parts = services.Parts({}, {"SEGMENTATION__SHOP__DATA": "a.csv"}, 8080, Path(), processes, False)
    parts.remember()
    scheduled.check(home, {"SEGMENTATION__SHOP__DATA": "a.csv", "HOME": "/"})
    with pytest.raises(SettingsError, match=r"other settings \(SEGMENTATION__SHOP__DATA\)"):
        scheduled.check(home, {"SEGMENTATION__SHOP__DATA": "b.csv"})
    assert "a.csv" not in processes.read_text()


def test_a_paused_dag_is_told_and_not_waited_for(new_database, monkeypatch):
    metadata = new_database()
    with metadata.connect() as conn:
        db.execute(conn, "create table dag (dag_id text, is_paused bool, has_import_errors bool)")
        db.execute(conn, "insert into dag values ('customer_segmentation', true, false)")
    with pytest.raises(SettingsError, match="is paused, and would wait: unpause it"):
        scheduled._wait_for_the_dag(metadata)
    with metadata.connect() as conn:
        db.execute(conn, "update dag set is_paused = false")
    scheduled._wait_for_the_dag(metadata)
    monkeypatch.setattr(scheduled, "READY_SECONDS", 0)
    with pytest.raises(SettingsError, match="have not read the DAG"):
        scheduled._wait_for_the_dag(metadata)


def test_a_night_lock_is_held_by_one(home):
    with services.night(home):
        code = (
            "import sys, fasteners; sys.exit(fasteners.InterProcessLock(sys.argv[1]).acquire(blocking=False))"
        )
        lock = str(home.folder / "airflow" / "night.lock")
        assert subprocess.run([sys.executable, "-c", code, lock], check=False).returncode == 0
    assert subprocess.run([sys.executable, "-c", code, lock], check=False).returncode == 1
