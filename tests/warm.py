"""`python -m tests.warm ADDRESS OWNER`: commands again and again, without importing everything again and again.

Two thirds of what a small night costs are imports (Airflow, Great Expectations, scikit-learn). So what the tests
run (`make run`, Airflow's parts, pytest in a copy of this tree) is forked from this process, which has imported the
libraries; each then runs as `python` does it from a terminal, and forks what it would start itself. None of our own
modules is shared.

A request is a message at the socket ADDRESS: `argv`, `environment` and `folder`, with the three standard files. Its
answers are `pid` when it has begun and `status` when it has ended. The process ends with OWNER.
"""

import asyncio
import atexit
import gc
import importlib
import json
import logging
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import httpx
import psutil
import setproctitle
import sqlalchemy.orm
from jsonschema import Draft202012Validator

from tests.processes import Begun, Start

OURS = ("segmentation", "tests", "scripts")
LOOK_SECONDS = 1  # between two looks whether the owner is there
# What a night imports beside what a scheduler has in memory for its tasks
LIBRARIES = (
    "airflow.api_fastapi.execution_api.versions",
    "airflow.api_fastapi.auth.managers.models.resource_details",
    "airflow.dag_processing.collection",
    "airflow.providers.common.compat.assets",
    "airflow.providers.postgres.assets.postgres",
    "airflow.providers.standard.decorators.short_circuit",
    "airflow.providers.standard.operators.trigger_dagrun",
    "airflow.sdk.definitions.decorators",
    "airflow.sdk.execution_time.supervisor",
    "alembic.command",
    "babel.dates",
    "babel.numbers",
    "narwhals._pandas_like.dataframe",
    "narwhals._pandas_like.namespace",
    "narwhals.stable.v2._namespace",
    "pyarrow.dataset",
)
# What Airflow's parts import beside it
PARTS = (
    "airflow.__main__",
    "airflow.api_fastapi.app",
    "airflow.cli.commands.api_server_command",
    "airflow.cli.commands.dag_processor_command",
    "airflow.cli.commands.scheduler_command",
    "airflow.dag_processing.manager",
    "airflow.executors.local_executor",
    "airflow.jobs.dag_processor_job_runner",
    "airflow.jobs.scheduler_job_runner",
    "uvicorn",
)
# What reads the settings of a shop when it is imported
OF_A_SHOP = ("segmentation", "airflow.config_templates", "airflow.logging_config")
# A database that nobody connects to
NOWHERE = {"host": "nowhere", "port": 5432, "user": "nobody", "password": "", "dbname": "nowhere"}
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
# Makes of a process that was just forked the one that `argv`, `environment`, `folder` and the files ask for
Being = Callable[[Sequence[str], Mapping[str, str], str, Sequence[int]], None]
_shared: list[ModuleType] = []  # modules of the process that forked: what they hold open stays open


def main() -> None:
    """Serve requests until the owner ends."""
    address, owner = Path(sys.argv[1]), int(sys.argv[2])
    setproctitle.getproctitle()  # the place of the name is not found once the environment is another
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(_of_no_shop(Path(folder)))
        _import()
        serve(address, owner, _python)


def serve(address: Path, owner: int, be: Being) -> None:
    """Answer requests at a socket by processes that `be` what they ask for, until the owner ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
        draft = address.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        asked.bind(str(draft))
        asked.listen(16)
        draft.rename(address)  # whoever sees it is answered
        try:
            _serve(asked, owner, be)
        finally:
            for kind in ("", ".lock", ".log"):
                address.with_suffix(kind).unlink(missing_ok=True)


def _serve(asked: socket.socket, owner: int, be: Being) -> None:
    """Fork for each request, and say how it ended."""
    at_work: dict[int, socket.socket] = {}
    ended, ends = socket.socketpair()
    for one in (ended, ends):
        one.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(ends.fileno(), warn_on_full_buffer=False)
    with selectors.DefaultSelector() as selector:
        selector.register(asked, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while psutil.pid_exists(owner):
            ready = [key.fileobj for key, _ in selector.select(LOOK_SECONDS)]
            if ended in ready:
                ended.recv(4096)
            if asked in ready:
                at_work.update(_begin(asked, [ended, ends, *at_work.values()], be))
            _tell_ends(at_work)


def _begin(asked: socket.socket, others: Sequence[socket.socket], be: Being) -> dict[int, socket.socket]:
    connection, _ = asked.accept()
    message, files, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    if not message:  # somebody wanted to know whether we answer
        connection.close()
        return {}
    request = json.loads(message)

    def run() -> None:
        for one in (asked, connection, *others):
            one.close()
        be(request["argv"], request["environment"], request["folder"], files)

    pid = _fork(run)
    for file in files:
        os.close(file)
    with suppress(OSError):  # who asked is gone
        connection.send(json.dumps({"pid": pid}).encode())
    return {pid: connection}


def _tell_ends(at_work: dict[int, socket.socket]) -> None:
    for pid in list(at_work):
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            with at_work.pop(pid) as connection, suppress(OSError):  # nobody waits for it
                connection.send(json.dumps({"status": status}).encode())


def _fork(run: Callable[[], None]) -> int:
    """Run something in a process of its own, which ends with it; returns the process."""
    pid = os.fork()
    if pid:
        return pid
    code: Any = 1
    try:
        run()
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    with suppress(BaseException):
        atexit._run_exitfuncs()
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code or 0)


def _python(argv: Sequence[str], environment: Mapping[str, str], folder: str, files: Sequence[int]) -> None:
    """Be the process that `python ARGV` would have been: `-c`, `-m` or a file, which may follow `-W` and `-u`."""
    take(files)
    _forget_the_past()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    libraries = [place for place in sys.path if "site-packages" in place or place.startswith(sys.base_prefix)]
    sys.path[:] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *libraries]
    setproctitle.setproctitle(" ".join(("python", *argv))[:500])  # by which others find it
    if DATABASE in environment:
        _use_its_settings()
    words = list(argv)
    while words[0] not in ("-c", "-m") and not words[0].endswith(".py"):
        if words.pop(0) == "ignore":
            warnings.simplefilter("ignore")
    if words[0].endswith(".py"):
        sys.argv, sys.path[0] = words, str(Path(words[0]).resolve().parent)
        runpy.run_path(words[0], run_name="__main__")
        return
    how, what, *words = words
    if how == "-m":
        sys.argv = [what, *words]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *words]
        main_module = ModuleType("__main__")
        sys.modules["__main__"] = main_module
        exec(what, main_module.__dict__)  # noqa: S102 (a test's)


def take(files: Sequence[int]) -> None:
    """Have these as the standard files."""
    copies = [os.dup(file) for file in files]
    for standard, copy in enumerate(copies):
        os.dup2(copy, standard)
    for file in {*files, *copies}:
        if file > 2:
            os.close(file)


def _forget_the_past() -> None:
    """Forget what a new process would not have: handlers, our modules, and threads of a pool."""
    forget_handlers()
    atexit._clear()
    warnings.resetwarnings()
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter(
            "ignore", category
        )  # without any, scikit-learn warns at each tree of each forest
    ours = [name for name in sys.modules if name.partition(".")[0] in OURS]
    _shared.extend(sys.modules.pop(name) for name in ours)
    subprocess.Popen = Forked


def forget_handlers() -> None:
    """Handle signals as a new process does."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _use_its_settings() -> None:
    """Have Airflow, which was imported for no shop, use the database and the address of the environment."""
    airflow = sys.modules["airflow.settings"]
    airflow.dispose_orm()
    airflow.initialize()
    words = sys.modules["airflow.cli.cli_config"]
    for word, option in ((words.ARG_API_SERVER_HOSTNAME, "host"), (words.ARG_API_SERVER_PORT, "port")):
        word.kwargs["default"] = airflow.conf.get("api", option)


class Forked(Begun):
    """A process that this one forks where it would start this interpreter."""

    def _execute_child(self, args: Any, *rest: Any) -> None:
        is_python = isinstance(args, list) and args[0] == sys.executable and {"-c", "-m"} & {*args}
        (super() if is_python else super(Begun, self))._execute_child(args, *rest)

    def begin(self, start: Start) -> int:
        """Fork."""

        def run() -> None:
            for one in start.not_its:
                os.close(one)
            if start.new_session:
                os.setsid()
            _python(start.argv, start.environment, start.folder, start.files)

        return _fork(run)


def _of_no_shop(folder: Path) -> dict[str, str]:
    """The environment of a shop that there is not: Airflow reads it when it is imported."""
    from segmentation.local import home as homes
    from segmentation.warehouse.db import Database

    databases = (Database("nowhere", NOWHERE),) * 3
    with patch.object(homes, "LOCAL", folder), patch.object(homes, "databases", lambda _: databases):
        return homes.airflow_environment(homes.Home("nowhere", "demo"), SimpleNamespace(pgdata=folder))


def _import() -> None:
    """Import the libraries of a night, and forget what came along and is of a shop, or our own."""
    from segmentation.pipeline import one_version, warm

    gc.disable()
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warm.up()
        for name in (*LIBRARIES, *PARTS):
            importlib.import_module(name)
        sqlalchemy.orm.configure_mappers()
        with one_version.newest():
            asyncio.run(_put_together_api())
    _check_a_schema_once()
    for name in [
        name for name in sys.modules if f"{name}.".startswith(tuple(f"{one}." for one in OF_A_SHOP))
    ]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()
    gc.enable()


def _check_a_schema_once() -> None:
    """Remember schemas that are right: Airflow asks of each parameter of each task, 500 times a night, .12 s."""
    check, right = Draft202012Validator.check_schema, set[str]()

    def once(schema: Any, **options: Any) -> None:
        text = json.dumps([schema, options], default=str)
        if text not in right:
            check(schema, **options)
            right.add(text)

    Draft202012Validator.check_schema = once


async def _put_together_api() -> None:
    """Let Airflow's API make its routes, by a first request: seconds, and nothing stays open."""
    supervisor = importlib.import_module("airflow.sdk.execution_time.supervisor")
    transport = httpx.ASGITransport(app=supervisor.in_process_api_server().app)
    async with httpx.AsyncClient(transport=transport, base_url="http://in-process") as client:
        (await client.get("/health")).raise_for_status()


if __name__ == "__main__":
    main()
