"""The parts of Airflow that real nights need, as processes of this machine, until Ctrl-C."""

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fasteners
import psutil

from segmentation import settings
from segmentation.errors import SettingsError
from segmentation.local import door, postgres
from segmentation.local import home as homes
from segmentation.local.home import Home
from segmentation.pipeline.lifeline import PARENT
from segmentation.runs import dag_ids, links
from segmentation.ui import HOME as SEGMENTS
from segmentation.warehouse import db
from segmentation.warehouse.db import Database

# Airflow's log servers listen on every address, and the api-server reads the same files: none is started.
NO_LOG_SERVER = "--skip-serve-logs"
PARTS = {
    "api-server": ("api-server",),
    "dag-processor": ("dag-processor",),
    "scheduler": ("scheduler", NO_LOG_SERVER),
    "triggerer": ("triggerer", NO_LOG_SERVER),
}
# A backfill waits for nobody: no triggerer, and no scheduled night comes in between.
QUIET_PARTS = {part: PARTS[part] for part in ("api-server", "dag-processor", "scheduler")}
QUIET = {
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
    # tasks of a scheduler that was killed start again soon
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
    "AIRFLOW__API__WORKERS": "1",
    # it looks for work twice a second, and not once: a date has seventeen tasks that wait for one another
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
}
# How a part is started: with the libraries of the tasks; the others with an API that knows one version.
WARM, ONE_VERSION = "segmentation.pipeline.warm", "segmentation.pipeline.one_version"
# Words of the command lines of what is ours
OURS = (WARM, ONE_VERSION, "segmentation.pipeline.lifeline", "segmentation")
FIRST_PORT, LAST_PORT = 8080, 8099
START_SECONDS = 120
STOP_SECONDS = 30


def run(home: Home, environment: dict[str, str], port: str = "") -> int:
    """Start every part, say where the UI is, and stop them all at Ctrl-C or when one of them ends.

    Raises
    ------
    SettingsError
        When the port asked for is in use.
    """
    with started(home, environment, port) as parts:
        try:
            _say(home, parts.environment, parts.port)
            while parts.ended is None:
                time.sleep(1)
        except KeyboardInterrupt:
            print("\nstopping")
            return 0
        print(parts.last_word(), file=sys.stderr)
        return 1


@dataclass(frozen=True)
class Parts:
    """The processes of a running Airflow."""

    processes: dict[str, subprocess.Popen]
    environment: dict[str, str]
    port: int
    logs: Path
    left: Path
    is_quiet: bool

    @property
    def ended(self) -> str | None:
        """A part that has ended; None while all run."""
        return next((part for part, one in self.processes.items() if one.poll() is not None), None)

    def remember(self, *processes: subprocess.Popen) -> None:
        """Have the parts, and further processes, ended when this one is killed before it can."""
        pids = [one.pid for one in [*self.processes.values(), *processes]]
        facts = {"pids": pids, "is_quiet": self.is_quiet, "settings": fingerprints(self.environment)}
        homes.keep(self.left, json.dumps(facts))

    def last_word(self) -> str:
        """The part that has ended, and the path of its log."""
        return f"{self.ended} has ended; its log: {self.logs / f'{self.ended}.log'}"


@contextlib.contextmanager
def started(
    home: Home, environment: dict[str, str], port: str = "", *, is_quiet: bool = False
) -> Iterator[Parts]:
    """Start the parts, and stop them at the end. Quiet: no UI, and no scheduled night comes in between.

    Raises
    ------
    SettingsError
        When the port asked for is in use, the services of this shop run already, or `make run` is at work.
    """
    left = _processes(home)
    lock = _lock(home, "services")
    if not lock.acquire(blocking=False):
        raise SettingsError(f"the services of shop '{home.shop}' run already, in another terminal")
    try:
        with night(home):  # a scheduler would take the tasks of its run
            stop_left_behind(left)
            end_killed_nights(homes.databases(home.start_server())[2])
        number, reserved = reserve_port(port)
    except BaseException:
        lock.release()
        raise
    try:
        homes.keep(home.folder / "airflow" / "port", str(number))
        environment = {
            **environment,
            **addresses(number),
            **homes.running_api(home.folder / "airflow"),
            **(QUIET if is_quiet else {}),
        }
        logs = home.folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        subprocess.run(  # the metadata database, and the pool
            [sys.executable, "-c", "from segmentation.local.one_night import prepare_metadata as p; p()"],
            env=environment,
            check=True,
            stdout=(logs / "migrate.log").open("w"),
            stderr=subprocess.STDOUT,
        )
        commands = QUIET_PARTS if is_quiet else PARTS
        processes = {part: _start(part, command, environment, logs) for part, command in commands.items()}
        parts = Parts(processes, environment, number, logs, left, is_quiet)
        parts.remember()
        try:
            _wait_until_healthy(number, processes, is_quiet)
            yield parts
        finally:
            stop(processes)
            left.unlink(missing_ok=True)
    finally:
        (home.folder / "airflow" / "port").unlink(missing_ok=True)
        reserved.release()
        lock.release()


def _lock(home: Home, name: str) -> fasteners.InterProcessLock:
    return fasteners.InterProcessLock(home.folder / "airflow" / f"{name}.lock")


def _processes(home: Home) -> Path:
    return home.folder / "airflow" / "processes.json"


def are_running(home: Home) -> bool:
    """True where another process of this machine has started the services of the shop."""
    return _is_held(_lock(home, "services"))


def is_anybody_at_work(home: Home) -> bool:
    """True where another process of this machine makes a night of the shop, or has started its services."""
    return are_running(home) or _is_held(_lock(home, "night"))


def _is_held(lock: fasteners.InterProcessLock) -> bool:
    is_free = lock.acquire(blocking=False)
    if is_free:
        lock.release()
    return not is_free


@contextlib.contextmanager
def night(home: Home) -> Iterator[None]:
    """Keep every other `make run` out, and whatever starts a scheduler, which would take the night's tasks.

    Raises
    ------
    SettingsError
        When another is at work.
    """
    lock = _lock(home, "night")
    if not lock.acquire(blocking=False):
        raise SettingsError(
            f"a night of shop '{home.shop}' is under way in another terminal (make run); wait for its end"
        )
    try:
        yield
    finally:
        lock.release()


def end_killed_nights(metadata: Database) -> None:
    """End the DAG runs of nights of `make run` that were killed, while none is at work: others would wait for them."""
    with metadata.connect() as conn:
        if db.scalar(conn, "select to_regclass('dag_run')") is not None:
            db.run_file(conn, "local/end_killed.sql", {"dag": dag_ids.NIGHT})


def running(home: Home) -> dict[str, Any]:
    """Facts that the services that run have left: `is_quiet` (a backfill's), `settings`; empty while they start."""
    try:
        facts = json.loads(_processes(home).read_text())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def fingerprints(environment: Mapping[str, str]) -> dict[str, str]:
    """A hash of each setting in an environment, by its name."""
    return {
        name: hashlib.sha256(value.encode()).hexdigest()
        for name, value in sorted(environment.items())
        if name.startswith(settings.PREFIX)
    }


def stop_left_behind(file: Path) -> None:
    """End the processes of an earlier `make up` or `make backfill` that was killed before it could."""
    if not file.exists():
        return
    facts = json.loads(file.read_text())
    for pid in facts["pids"] if isinstance(facts, dict) else facts:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if any("airflow" in word or word in OURS for word in process.cmdline()):
                print(f"stopping process {pid}, which an earlier command left behind")
                for one in [*process.children(recursive=True), process]:
                    with contextlib.suppress(psutil.Error):
                        one.kill()
    file.unlink()


def reserve_port(port: str) -> tuple[int, fasteners.InterProcessLock]:
    """The port asked for, or the first free one from 8080 on; no other shop takes it until it is released.

    An api-server opens its port half a minute after this, so that free is not enough.
    """
    if port:
        reserved = _reserve(int(port)) if port.isdigit() else None
        if reserved is None:
            raise SettingsError(f"PORT={port}: in use, or no port; leave it out to take a free one")
        return int(port), reserved
    for number in range(FIRST_PORT, LAST_PORT + 1):
        if reserved := _reserve(number):
            return number, reserved
    raise SettingsError(f"ports {FIRST_PORT} to {LAST_PORT} are all in use; name a free one with PORT=")


def _reserve(number: int) -> fasteners.InterProcessLock | None:
    reserved = fasteners.InterProcessLock(postgres.own_runtime_folder() / f"port-{number}.lock")
    if not reserved.acquire(blocking=False):
        return None
    if _is_free(number):
        return reserved
    reserved.release()
    return None


def _is_free(number: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except (OSError, OverflowError):
            return False
    return True


def addresses(number: int) -> dict[str, str]:
    """Settings of where the api-server listens and the tasks find it: this machine only."""
    return {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(number),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{number}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{number}/execution/",
    }


def _start(part: str, command: tuple[str, ...], environment: dict[str, str], logs: Path) -> subprocess.Popen:
    return subprocess.Popen(  # noqa: S603 (the arguments are ours)
        [sys.executable, "-W", "ignore", "-m", WARM if part == "scheduler" else ONE_VERSION, *command],
        env={**environment, PARENT: str(os.getpid())},
        stdout=(logs / f"{part}.log").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches us alone, and we stop them in order
    )


def _wait_until_healthy(number: int, processes: dict[str, subprocess.Popen], is_quiet: bool) -> None:
    print("starting Airflow ...", flush=True)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if (
            _answers(number)
            if is_quiet
            else all(state == "healthy" for state in health(number).values() or [""])
        ):
            return
        if any(process.poll() is not None for process in processes.values()):
            return
        time.sleep(0.5)
    print(f"Airflow is not healthy after {START_SECONDS} s: {health(number)}", file=sys.stderr)


def _answers(number: int) -> bool:
    """True where tasks can report to the api-server."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{number}/execution/health", timeout=5):
            return True
    except OSError:
        return False


def health(number: int) -> dict[str, str]:
    """The state of each part, as the api-server sees it; empty while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{number}/api/v2/monitor/health", timeout=5) as answer:
            return {part: state["status"] for part, state in json.load(answer).items() if state["status"]}
    except (urllib.error.URLError, OSError, ValueError):
        return {}


def _say(home: Home, environment: dict[str, str], number: int) -> None:
    password = homes.password(Path(environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]))
    print(
        f"\nAirflow is up for shop '{home.shop}':  http://localhost:{number}\n"
        f"Segments:  http://localhost:{number}{links.PREFIX}/{SEGMENTS}\n"
        f"log in as admin, password {password}\n"
        f"The DAG {dag_ids.NIGHT} runs at {dag_ids.STARTS:%H:%M} shop time; "
        "trigger it there for a night now.\n"
        "Ctrl-C stops everything.",
        flush=True,
    )
    print(door.address_line(home.start_server()), file=sys.stderr, flush=True)


def stop(processes: dict[str, subprocess.Popen]) -> None:
    """Ask every part to stop, then insist; tasks that outlive the scheduler go with it."""
    children = []
    for process in processes.values():
        with contextlib.suppress(psutil.Error):
            children += psutil.Process(process.pid).children(recursive=True)
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes.values():
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
    for child in children:
        with contextlib.suppress(psutil.Error):
            child.kill()
