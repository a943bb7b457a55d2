"""`python -m tests.warm`: `make run` again and again, without importing everything again and again.

Two thirds of what a small night costs are imports (Airflow, Great Expectations, scikit-learn). So the
commands are forked from this process, which has imported the libraries; each then runs as it does from a
terminal: `cli.main`, and under it the process of the night. None of our own modules is shared.

A request is a line of JSON on stdin: `argv`, `environment`, and `output`, a pipe or file for what it prints;
with `code` that is run, in an Airflow that is imported, and `argv` are its arguments. The answers are lines
too: `pid` when it has begun, `code` when it has ended.
"""

import asyncio
import gc
import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import httpx
import sqlalchemy.orm

OURS = "segmentation"
# What a night imports beside what a scheduler has in memory for its tasks
LIBRARIES = (
    "airflow.api_fastapi.execution_api.versions",
    "airflow.dag_processing.collection",
    "airflow.providers.standard.decorators.short_circuit",
    "airflow.providers.standard.operators.trigger_dagrun",
    "airflow.sdk.definitions.decorators",
    "airflow.sdk.execution_time.supervisor",
    "alembic.command",
    "babel.dates",
    "babel.numbers",
    "pyarrow.dataset",
)
# A database that nobody connects to
NOWHERE = {"host": "nowhere", "port": 5432, "user": "nobody", "password": "", "dbname": "nowhere"}


def main() -> None:
    """Serve requests until stdin ends."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(_of_no_shop(Path(folder)))
        _import()
        for line in sys.stdin:
            request = json.loads(line)
            run = _code if "code" in request else _command
            pid = _fork(lambda run=run, request=request: run(**request))
            _answer(pid=pid)
            _, status = os.waitpid(pid, 0)
            _answer(code=os.waitstatus_to_exitcode(status))


def _answer(**said: int) -> None:
    os.write(1, f"{json.dumps(said)}\n".encode())


def _fork(run: Callable[[], int | None]) -> int:
    """Run something in a process of its own, which ends with it; returns the process."""
    pid = os.fork()
    if pid:
        return pid
    code: int | str | None = 1
    try:
        code = run()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


def _redirect(output: int) -> None:
    for standard in (1, 2):
        os.dup2(output, standard)


def _become(environment: dict[str, str], output: int) -> None:
    """Be the process that would have been started with this environment and output."""
    _redirect(output)
    os.environ.clear()
    os.environ.update(environment)


def _use_its_database() -> None:
    """Have Airflow, which was imported for no shop, use the database that the environment names."""
    airflow = sys.modules["airflow.settings"]
    airflow.dispose_orm()
    airflow.initialize()


def _code(code: str, argv: list[str], environment: dict[str, str], output: str) -> None:
    """Do what `python -c` does."""
    _become(environment, os.open(output, os.O_WRONLY))
    _use_its_database()
    sys.argv = ["-c", *argv]
    exec(code, {"__name__": "__main__"})  # noqa: S102 (a test's)


def _command(argv: list[str], environment: dict[str, str], output: str) -> int:
    """Do what `python -m segmentation local` does, but for how it starts the process of the night."""
    _become(environment, os.open(output, os.O_WRONLY))
    from segmentation import cli
    from segmentation.local import night

    night.subprocess = SimpleNamespace(
        Popen=_Night, STDOUT=subprocess.STDOUT, TimeoutExpired=subprocess.TimeoutExpired
    )
    return cli.main(["local", *argv])


class _Night:
    """As much of `Popen` as the command asks of the night's process."""

    def __init__(self, command: list[str], *, env: dict[str, str], cwd: Path, stdout, stderr: int) -> None:
        *_, result, params = command

        def night() -> None:
            _become(env, stdout.fileno())
            os.chdir(cwd)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the command's own are not for it
            from segmentation.local import one_night
            from segmentation.pipeline import lifeline

            lifeline.hold()
            _use_its_database()
            one_night.main(Path(result), json.loads(params))

        self.pid, self.code = _fork(night), None

    def poll(self) -> int | None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + (timeout or float("inf"))
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("night", timeout)
            time.sleep(0.01)
        return self.code

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, 9)

    def terminate(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, 15)


def _of_no_shop(folder: Path) -> dict[str, str]:
    """The environment of a shop that there is not: Airflow reads it when it is imported."""
    from segmentation.local import home as homes
    from segmentation.warehouse.db import Database

    databases = (Database("nowhere", NOWHERE),) * 3
    with patch.object(homes, "LOCAL", folder), patch.object(homes, "databases", lambda _: databases):
        return homes.airflow_environment(homes.Home("nowhere", "demo"), SimpleNamespace(pgdata=folder))


def _import() -> None:
    """Import the libraries of a night, and forget what of our own came along."""
    from segmentation.pipeline import one_version, warm

    gc.disable()
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warm.up()
        for name in LIBRARIES:
            importlib.import_module(name)
        sqlalchemy.orm.configure_mappers()
        with one_version.newest():
            asyncio.run(_put_together_api())
    for name in [name for name in sys.modules if name.partition(".")[0] == OURS]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()
    gc.enable()


async def _put_together_api() -> None:
    """Let Airflow's API make its routes, by a first request: seconds, and nothing stays open."""
    supervisor = importlib.import_module("airflow.sdk.execution_time.supervisor")
    transport = httpx.ASGITransport(app=supervisor.in_process_api_server().app)
    async with httpx.AsyncClient(transport=transport, base_url="http://in-process") as client:
        (await client.get("/health")).raise_for_status()


if __name__ == "__main__":
    main()
