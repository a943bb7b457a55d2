"""The commands of the Makefile, run as a person runs them, in a `.local` of the test's own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from segmentation.db import Database
from segmentation.local import postgres

PROJECT = Path(__file__).parents[1]


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
        return [sys.executable, "-W", "ignore", "-m", "segmentation.local.cli", *arguments]

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
