"""`python -m tests.warm`: `make run` again and again, without importing everything again and again.

Two thirds of what a small night costs are imports (Airflow, Great Expectations, scikit-learn). So the
commands are forked from this process, which imports what the first night imported; each then runs as it does
from a terminal: `cli.main`, and under it the process of the night. None of our own modules is shared.

A request is a line of JSON on stdin: `argv`, `environment`, and `output`, a pipe or file for what it prints.
The answers are lines too: `pid` when it has begun, `code` when it has ended.
"""

import asyncio
import gc
import importlib
import json
import logging
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import httpx

OURS = ("segmentation", "tests", "customer_segmentation", "unusual_prefix", "__m")


def main() -> None:
    """Serve requests until stdin ends."""
    is_warm = False
    for line in sys.stdin:
        request = json.loads(line)
        told = Path(f"{request['output']}.modules")
        pid = _fork(lambda request=request, told=told: _command(**request, told=told))
        _answer(pid=pid)
        _, status = os.waitpid(pid, 0)
        if not is_warm and told.exists():
            _import(json.loads(told.read_text()))
            is_warm = True
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


def _command(argv: list[str], environment: dict[str, str], output: str, told: Path) -> int:
    """Do what `python -m segmentation local` does, but for how it starts the process of the night."""
    _redirect(os.open(output, os.O_WRONLY))
    os.environ.clear()
    os.environ.update(environment)
    from segmentation import cli
    from segmentation.local import night

    class Night(_Night):
        modules = told

    night.subprocess = SimpleNamespace(
        Popen=Night, STDOUT=subprocess.STDOUT, TimeoutExpired=subprocess.TimeoutExpired
    )
    return cli.main(["local", *argv])


class _Night:
    """As much of `Popen` as the command asks of the night's process."""

    modules: Path

    def __init__(self, command: list[str], *, env: dict[str, str], cwd: Path, stdout, stderr: int) -> None:
        *_, result, params = command

        def night() -> None:
            _redirect(stdout.fileno())
            os.chdir(cwd)
            os.environ.clear()
            os.environ.update(env)
            from segmentation.local import one_night

            if airflow := sys.modules.get("airflow.settings"):  # imported for another shop
                airflow.dispose_orm()
                airflow.initialize()
            try:
                one_night.main(Path(result), json.loads(params))
            finally:
                found = [name for name in sys.modules if not name.startswith(OURS)]
                self.modules.write_text(json.dumps({"environment": env, "modules": found}))

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


def _import(night: dict) -> None:
    """Import the modules of a night, in its environment: Airflow reads it when it is imported."""
    os.environ.update(night["environment"])
    gc.disable()
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        for name in night["modules"]:
            if name not in sys.modules:
                with suppress(Exception):
                    importlib.import_module(name)
        asyncio.run(_put_together_api())
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
