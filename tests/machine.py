"""The commands of the Makefile, run as a person runs them, in a `.local` of the test's own."""

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fasteners
import psutil
import psycopg2

from segmentation import applications, compiled
from segmentation.local import postgres
from segmentation.warehouse.db import Database
from tests.processes import Begun, Start

PROJECT = Path(__file__).parents[1]
# A search of a second, for nights in which it is not the model that is on trial.
SMALL_SEARCH = {
    "SEGMENTATION__MODEL__ALGORITHMS": '["kmeans"]',
    "SEGMENTATION__MODEL__REPRESENTATIONS": '["all"]',
    "SEGMENTATION__MODEL__TRIALS": "4",
    "SEGMENTATION__MODEL__STABILITY_DRAWS": "1",
}
# Nights in which it is not the applications that are on trial: they have tests of their own.
NO_APPLICATIONS = {
    "SEGMENTATION__APPLICATIONS__OFF": json.dumps([one.name for one in applications.registered()])
}


# A shop on which nothing has run, as its first command would make it: the server, Airflow's database, the schema.
PREPARE = """
import subprocess, sys
from segmentation.local import home as homes, postgres
from segmentation.warehouse import schema
from tests.machine import forget_durability
home = homes.find("demo", "", "", "")
server = home.start_server()
forget_durability(postgres.admin(server))
environment = homes.airflow_environment(home, server)
schema.migrate(homes.databases(server)[1])
prepare = "from segmentation.local.one_night import prepare_metadata as p; p()"
subprocess.run([sys.executable, "-W", "ignore", "-c", prepare], env=environment, check=True)
server.cleanup()
"""


# Whatever it is called with, a process that is forked from the warm one does, with the standard files of this one.
PROGRAM = """#!{python} -IS
import json, os, socket, sys
connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect({address!r})
request = {{"argv": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd()}}
socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
connection.recv(1000)
code = os.waitstatus_to_exitcode(json.loads(connection.recv(1000))["status"])
sys.exit(code if code >= 0 else 128 - code)
"""

MEMORY, ROOM = Path("/dev/shm"), 4 << 30  # noqa: S108 (a folder with a random name in it)


def place_of_servers() -> Path | None:
    """Folder of the files of servers: in memory where 4 GiB of it are free; None where temporary files go.

    Hundreds of databases are made and dropped: on a disk that is a third of what the servers cost.
    """
    try:
        has_room = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    except OSError:
        return None
    return MEMORY if has_room and psutil.virtual_memory().available > ROOM else None


def server_folder(prefix: str = "seg-local-") -> tempfile.TemporaryDirectory[str]:
    """A temporary folder for the files of a server.

    Not in pytest's own: as root the server is another user, who may not look into that.
    """
    return tempfile.TemporaryDirectory(prefix=prefix, dir=place_of_servers(), ignore_cleanup_errors=True)


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
            if name == compiled.FOLDER or not name.startswith(("SEGMENTATION", "AIRFLOW"))
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


def forget_durability(admin: Database) -> None:
    """Nobody reads a test's databases after a power cut, and to sync each costs seconds."""
    with closing(psycopg2.connect(**admin.params)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for setting in ("fsync", "full_page_writes"):
                cursor.execute(f"alter system set {setting} = off")
            cursor.execute("select pg_reload_conf()")


def prepare(folder: Path, warm: "Warm") -> None:
    """Make the folder of a shop that machines copy: to make each anew takes a core for a quarter of a minute."""
    with server_folder() as place:
        command = [sys.executable, "-W", "ignore", "-c", PREPARE]
        ended = warm.run(command, cwd=PROJECT, env=Machine(Path(place)).environment)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        made = Path(place) / "demo"
        for file in (made / "airflow").iterdir():
            if not file.name.startswith("migrated-"):  # paths and secrets are of one machine
                shutil.rmtree(file) if file.is_dir() else file.unlink()
        draft = folder.with_suffix(".draft")
        subprocess.run(["cp", "-a", made, draft], check=True)
        draft.rename(folder)


def prepare_once(folder: Path, warm: "Warm") -> Path:
    """Make that folder, where no other process has, or makes it now; returns it."""
    with fasteners.InterProcessLock(folder.with_suffix(".lock")):
        if not folder.exists():
            prepare(folder, warm)
    return folder


@contextmanager
def machine_with(prepared: Path, *shops: str) -> Iterator[Machine]:
    """A machine that has these shops already, copies of a prepared one."""
    with server_folder() as folder:
        for shop in shops:
            copy_shop(prepared, Machine(Path(folder)), shop)
        yield Machine(Path(folder))


def copy_shop(prepared: Path, machine: Machine, shop: str) -> None:
    """Give a machine one more shop, a copy of a prepared one."""
    subprocess.run(["cp", "-a", prepared, machine.folder / shop], check=True)


def started_by(pid: int, *, recursive: bool = True) -> dict[psutil.Process, str]:
    """Processes that a command has started, its database server's aside, with their command lines.

    What ends while they are looked at is left out.
    """
    lines = {}
    for child in psutil.Process(pid).children(recursive=recursive):
        with suppress(psutil.NoSuchProcess):
            if "postgres" not in child.name():
                lines[child] = " ".join(child.cmdline())
    return lines


class Warm:
    """A process that has the imports of a night behind it, for commands on any machine (see `warm`)."""

    words: Sequence[str] = ("-W", "ignore", "-m", "tests.warm")

    def __init__(self, address: Path, owner: int) -> None:
        """Join the one at the socket, or start it; it ends with `owner`."""
        self.address = address
        with fasteners.InterProcessLock(address.with_suffix(".lock")):
            if not self._answers():
                self._begin(owner)

    @property
    def environment(self) -> dict[str, str]:
        """The environment that it begins with."""
        return Machine(Path()).environment

    def _answers(self) -> bool:
        try:
            with closing(_connected(self.address)):
                return True
        except OSError:
            return False

    def _begin(self, owner: int) -> None:
        with self.address.with_suffix(".log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, *self.words, str(self.address), str(owner)],
                env=self.environment,
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while not self._answers():
            if process.poll() is not None:
                raise RuntimeError(self.address.with_suffix(".log").read_text())
            time.sleep(0.05)

    def popen(self, argv: Sequence[str], **options: Any) -> "Asked":
        """Start a command that begins with this interpreter, as `Popen` does."""
        return Asked(argv, self.address, **options)

    def program(self, file: Path) -> Path:
        """Make a program that a Makefile calls as it calls `python`: it has the libraries imported."""
        file.write_text(PROGRAM.format(python=sys.executable, address=str(self.address)))
        file.chmod(0o755)
        return file

    def run(self, argv: Sequence[str], **options: Any) -> subprocess.CompletedProcess:
        """Run such a command to its end, as `subprocess.run` does; what it prints is text."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with self.popen(argv, **{**pipes, **options}) as process:
            printed = process.communicate()
        return subprocess.CompletedProcess(argv, process.returncode, *printed)


class Collected(Warm):
    """A process that has collected the tests, for the workers of a run (see `forkserver`)."""

    def __init__(self, address: Path, owner: int, tests: Sequence[str], folder: Path) -> None:
        """Start it; the names of `tests` are looked for in `folder`."""
        self.words = ("-m", "tests.forkserver", str(folder), *tests)
        super().__init__(address, owner)

    @property
    def environment(self) -> dict[str, str]:
        """The environment that it begins with: that of this process, but what else pytest is to do."""
        return {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}


def _connected(address: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(str(address))
    except OSError:
        connection.close()
        raise
    return connection


class Asked(Begun):
    """A process that the warm one has forked for us."""

    def __init__(self, argv: Sequence[str], address: Path, **options: Any) -> None:
        self._connection = _connected(address)
        super().__init__(argv, **options)

    def begin(self, start: Start) -> int:
        """Ask for it."""
        request = {"argv": list(start.argv), "environment": dict(start.environment), "folder": start.folder}
        socket.send_fds(self._connection, [json.dumps(request).encode()], start.files)
        return json.loads(self._connection.recv(1000))["pid"]

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        """Result of `waitpid`; nobody waits for a process that is another's."""
        if wait_flags and not select.select([self._connection], [], [], 0)[0]:
            return 0, 0
        with self._connection:
            return self.pid, json.loads(self._connection.recv(1000))["status"]

    def _internal_poll(self, *_: object, **__: object) -> int | None:
        with self._waitpid_lock:
            if self.returncode is None:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)
        return self.returncode


@dataclass
class Commands:
    """`make` on a machine, each command forked from a warm process."""

    machine: Machine
    warm: Warm

    @contextmanager
    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen]:
        """Start a command, or code with `-c`; it is over when its output is."""
        how = arguments if arguments[0] == "-c" else ("-m", "segmentation", "local", *arguments)
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        words = [sys.executable, *how]
        with self.warm.popen(words, env=environment, cwd=PROJECT, text=True, **pipes) as process:
            yield process

    def make(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess:
        """Run a command to its end, as `Machine.make` does; what it prints is one text."""
        with self.run(arguments, {**self.machine.environment, **settings}) as process:
            printed = process.stdout.read()
        return subprocess.CompletedProcess(arguments, process.returncode, printed, "")

    def do(self, code: str, *arguments: str, environment: Mapping[str, str]) -> None:
        """Run code that uses Airflow, as `python -c` does; what it raises is an error here."""
        with self.run(("-c", code, *arguments), environment) as process:
            printed = process.stdout.read()
        if process.returncode:
            raise RuntimeError(printed)
