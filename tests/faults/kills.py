"""Processes killed at random points of a backfill under the real scheduler: it ends with the same rows.

`make faults ONLY=kills` kills twenty: tasks, and every fifth time the whole command, which is called again.
"""

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import psutil
import psycopg2

from segmentation.local import postgres
from segmentation.warehouse.db import Database
from tests.machine import NO_APPLICATIONS, Machine, server_folder
from tests.small_shop import contents

SHOP = "killed"
FIRST = date(2026, 3, 2)
QUICK = {  # the model is not what is on trial here
    "SEGMENTATION__MODEL__ALGORITHMS": '["kmeans"]',
    "SEGMENTATION__MODEL__REPRESENTATIONS": '["all"]',
    "SEGMENTATION__MODEL__TRIALS": "1",
    "SEGMENTATION__MODEL__K_MAX": "4",
    "SEGMENTATION__MODEL__STABILITY_DRAWS": "0",
    **NO_APPLICATIONS,
    "SEGMENTATION__QUALITY__MAX_CHANGED_SHARE": "1",
    "SEGMENTATION__RUN__RETRIES": "10",  # the same task may be hit again and again
    "SEGMENTATION__RUN__RETRY_SECONDS": "1",
    "SEGMENTATION__SHOP__TIMEZONE": "Asia/Shanghai",  # where a day is another one than in UTC
}
RELATIONS = [
    f"segments.{table}"
    for table in (
        *("customer_segments", "segment_versions", "segment_profiles", "segment_migrations"),
        *("segment_flows", "segment_events", "segment_rules", "model_leaderboard", "segments"),
    )
]
# The services of a shop, up until standard input ends: backfills then join them.
SERVICES = """
import json, sys
from segmentation.local import home as homes, services
home = homes.find(sys.argv[1], "demo", "", sys.argv[2])
home.save()
environment = homes.airflow_environment(home, home.start_server())
with services.started(home, environment, is_quiet=True):
    print(f"UP {json.dumps(environment)}", flush=True)
    sys.stdin.read()
"""
NAME = "kills"
TITLE = "## Killed processes"
SECTION = f"""{TITLE}

Written by `make faults ONLY=kills`: processes of a backfill under the real scheduler are killed (SIGKILL) at
random moments: tasks, and every fifth time the whole command, which is then called again. In the end every
row that readers see is that of a backfill that nobody disturbed.
"""
TASK = re.compile(r"airflow worker -- [0-9a-f]{8}-")  # what Airflow calls the process of a task
COMMAND = "the whole command"


@dataclass
class Backfill:
    """A small demo shop on a machine, and one backfill of it, with and without kills."""

    machine: Machine
    dates: int
    customers: int = 120
    chance: random.Random = field(default_factory=lambda: random.Random(3))  # noqa: S311
    airflow: dict[str, str] = field(default_factory=dict)  # the environment of the services, once up
    process: subprocess.Popen | None = None  # of the services
    popen: Callable[..., subprocess.Popen] = subprocess.Popen

    @contextmanager
    def services(self) -> Iterator[None]:
        """One start of Airflow for every backfill within."""
        command = [sys.executable, "-W", "ignore", "-c", SERVICES, SHOP, str(self.customers)]
        self.process = process = self.popen(
            command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            while not (line := process.stdout.readline()).startswith("UP "):
                if not line:
                    raise RuntimeError("Airflow did not start")
            self.airflow = json.loads(line.removeprefix("UP "))
            yield
        finally:
            process.stdin.close()
            process.wait(120)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the commands."""
        return {**self.machine.environment, **QUICK, "PYTHONUNBUFFERED": "1"}

    def undisturbed(self) -> dict[str, list[str]]:
        """The rows of a backfill that nobody disturbs."""
        self._run(0, 0)
        return self.rows()

    def disturbed(self, kills: int, whole_command_every: int = 0) -> list[str]:
        """The same from an empty warehouse, with so many kills; returns what was killed."""
        self.forget()
        return self._run(kills, whole_command_every)

    def forget(self) -> None:
        """Empty the warehouse."""
        server = postgres.start(self.machine.folder / SHOP / "postgres")
        admin = postgres.admin(server)
        connection = psycopg2.connect(**admin.params)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("drop database warehouse with (force)")
        connection.close()
        postgres.database(server, "warehouse")

    def rows(self) -> dict[str, list[str]]:
        """The rows that readers see, without the ids of runs."""
        warehouse: Database = self.machine.warehouse(SHOP)
        return contents(warehouse, RELATIONS, "run_id parent_run_id first_run_id published_at")

    def _run(self, kills: int, whole_command_every: int) -> list[str]:
        killed: list[str] = []
        again: tuple[str, ...] = ()
        while True:
            process = self.begin(*again)
            while process.poll() is None and len(killed) < kills:
                time.sleep(self.chance.uniform(0.2, 4))
                if whole_command_every and len(killed) % whole_command_every == whole_command_every - 1:
                    if _tasks(self.process):
                        process.kill()
                        killed.append(COMMAND)
                else:
                    killed += self._kill_a_task()
            code = process.wait()
            if code == 0 and len(killed) < kills:  # over too soon: all dates are made again
                again = (*self.range, "--reprocess", "completed")
            elif code != -signal.SIGKILL:
                break
        if code:
            raise RuntimeError(f"the backfill ended with {code} after {killed}:\n{self.said[-6000:]}")
        return killed

    def kill_tasks(self, process: subprocess.Popen, kills: int) -> int:
        """Kill so many tasks at random moments while a command is at work; returns how many it were."""
        killed = 0
        while process.poll() is None and killed < kills:
            time.sleep(self.chance.uniform(0.2, 4))
            killed += len(self._kill_a_task())
        return killed

    def _kill_a_task(self) -> list[str]:
        """Kill one of the tasks that are at work; returns what was killed."""
        if tasks := _tasks(self.process):
            with suppress(psutil.Error):
                self.chance.choice(tasks).kill()
                return ["a task"]
        return []

    def begin(self, *dates: str) -> subprocess.Popen:
        """Start the command: all dates, or `dates`."""
        command = self.machine.command(
            *("backfill", "--shop", SHOP, "--source", "demo"),
            *(dates or self.range),
        )
        with (self.machine.folder / "backfill.log").open("a") as output:
            return self.popen(command, env=self.environment, stdout=output, stderr=subprocess.STDOUT)

    @property
    def range(self) -> tuple[str, ...]:
        """The dates, as the command takes them."""
        last = FIRST + timedelta(days=self.dates - 1)
        return ("--from", FIRST.isoformat(), "--to", last.isoformat())

    @property
    def said(self) -> str:
        """Output of the commands."""
        return (self.machine.folder / "backfill.log").read_text()


def _tasks(services: subprocess.Popen | None) -> list[psutil.Process]:
    """The processes of tasks among those that the services have started; without any, each backfill has its own."""
    found = []
    for child in psutil.Process(services.pid if services else None).children(recursive=True):
        with suppress(psutil.Error):
            if TASK.match(" ".join(child.cmdline())):
                found.append(child)
    return found


def run(page: Path, say: Callable[[str], None] = print, kills: int = 20, dates: int = 6) -> bool:
    """Kill and compare, and write what became of it into the page; whether every row is the same."""
    with server_folder() as folder:
        backfill = Backfill(Machine(Path(folder)), dates)
        say(f"kills: {dates} dates by a backfill that nobody disturbs")
        expected = backfill.undisturbed()
        say(f"kills: the same dates, {kills} kills")
        killed = backfill.disturbed(kills, whole_command_every=5)
        found = backfill.rows()
    different = [table for table in RELATIONS if found[table] != expected[table]]
    whole = killed.count(COMMAND)
    said = (
        f"kills={len(killed)} of_tasks={len(killed) - whole} of_the_whole_command={whole} dates={dates} "
        f"rows={sum(len(lines) for lines in expected.values())} relations={len(RELATIONS)} "
        f"that_differ={len(different)}{''.join(f' {table}' for table in different)}"
    )
    say(said)
    rest = page.read_text(encoding="utf-8").partition(f"\n{TITLE}")[0] if page.exists() else ""
    page.write_text(f"{rest}\n{SECTION}\n    {said}\n", encoding="utf-8")
    return not different and len(killed) == kills


def section(page: Path) -> str:
    """The part of the page that is about killed processes."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    _, title, rest = text.partition(f"\n{TITLE}")
    return title + rest
