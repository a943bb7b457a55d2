"""A backfill from the terminal: by the services that run already, or by services of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from segmentation.local import home as homes
from segmentation.local import services
from segmentation.local.home import Home
from segmentation.pipeline import lifeline

ENDED_OTHERWISE, STOPPED = 1, 130


def run(home: Home, words: list[str], port: str = "") -> int:
    """Run `python -m segmentation backfill` with these words until it has ended; returns its exit code."""
    os.environ.update(home.settings_environment())
    home.save()
    environment = homes.airflow_environment(home, home.start_server())
    command = [sys.executable, "-W", "ignore", "-m", "segmentation", "backfill", *words]
    if services.are_running(home):
        code = _attend(command, environment, home, lambda: services.are_running(home))
        if code is not None:
            return code
        print("the services that ran it have stopped; it goes on with services of its own", file=sys.stderr)
        command = [word for word in command if word != "--give-up"]  # that is done
    begun = datetime.now(UTC).isoformat()
    with services.started(home, environment, port, is_quiet=True) as parts:
        command += ["--parsed-after", begun]
        code = _attend(command, parts.environment, home, lambda: parts.ended is None, parts.remember)
        if code is None:
            print(f"error: {parts.last_word()}; the same command goes on from here", file=sys.stderr)
    return ENDED_OTHERWISE if code is None else code


def _attend(
    command: list[str],
    environment: dict[str, str],
    home: Home,
    are_up: Callable[[], bool],
    remember: Callable[[subprocess.Popen], None] = lambda _: None,
) -> int | None:
    """Run the process that follows a backfill, for as long as the services are up; None when they are not."""
    environment = {**environment, lifeline.PARENT: str(os.getpid())}
    process = subprocess.Popen(command, env=environment, cwd=home.folder)  # noqa: S603 (ours)
    remember(process)
    try:
        while process.poll() is None and are_up():
            time.sleep(0.5)
        return process.poll()
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()
