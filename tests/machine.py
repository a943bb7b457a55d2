"""The commands of the Makefile, run as a person runs them, in a `.local` of the test's own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from segmentation.local import postgres
from segmentation.warehouse.db import Database

PROJECT = Path(__file__).parents[1]
# A search of a second, for nights in which it is not the model that is on trial.
SMALL_SEARCH = {
    "SEGMENTATION__MODEL__ALGORITHMS": '["kmeans"]',
    "SEGMENTATION__MODEL__REPRESENTATIONS": '["all"]',
    "SEGMENTATION__MODEL__TRIALS": "4",
    "SEGMENTATION__MODEL__STABILITY_DRAWS": "1",
}


@dataclass(frozen=True)
class Machine:
    """A `.local` folder, and the commands on it."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command: nothing of this process's settings but where `.local` is."""
        own = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SEGMENTATION", "AIRFLOW"))
        }
        return {**own, "SEGMENTATION_LOCAL": str(self.folder), "PYTHONPATH": str(PROJECT / "include")}

    def command(self, *arguments: str) -> list[str]:
        """The command line of a make target."""
        return [sys.executable, "-W", "ignore", "-m", "segmentation", "local", *arguments]

    def make(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess:
        """Run a command to its end; `settings` are further environment variables."""
        return subprocess.run(
            self.command(*arguments),
            env={**self.environment, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def warehouse(self, shop: str) -> Database:
        """The warehouse of a shop on this machine; its server runs on until this process ends."""
        return postgres.database(postgres.start(self.folder / shop / "postgres"), "warehouse")


@dataclass
class Command:
    """A command at work: what it prints, and, at the end, its exit code."""

    pid: int
    output: IO[str]
    code: int | None = None


class Commands:
    """`make` on a machine, each command forked from a process that has the imports behind it (see `warm`)."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.warm"],
            env=machine.environment,
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[Command]:
        """Start a command; it is over when its output is."""
        pipe = self.machine.folder / "output"
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
        request = {"argv": list(arguments), "environment": dict(environment), "output": str(pipe)}
        self.process.stdin.write(f"{json.dumps(request)}\n")
        self.process.stdin.flush()
        pid = json.loads(self.process.stdout.readline())["pid"]
        with pipe.open(encoding="utf-8") as output:
            command = Command(pid, output)
            yield command
        command.code = json.loads(self.process.stdout.readline())["code"]

    def make(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess:
        """Run a command to its end, as `Machine.make` does; what it prints is one text."""
        with self.run(arguments, {**self.machine.environment, **settings}) as command:
            printed = command.output.read()
        return subprocess.CompletedProcess(arguments, command.code, printed, "")

    def close(self) -> None:
        """End the process; nothing is at work in it."""
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
