"""Progress of long steps: into the task's log, and to whoever follows the run on a terminal."""

import logging
import os
import sys
from pathlib import Path

FOLLOWER = "SEGMENTATION_PROGRESS"

log = logging.getLogger("segmentation")
_steps = 0
_is_aloud = False


def aloud() -> None:
    """Say progress on the terminal: for a command, which has no log that anybody looks at."""
    global _is_aloud
    _is_aloud = True


def say(message: str) -> None:
    """One line of progress. The variable FOLLOWER names a file that a terminal follows."""
    step()
    log.info("%s", message)
    if _is_aloud:
        print(message, file=sys.stderr, flush=True)
    if follower := os.environ.get(FOLLOWER):
        with Path(follower).open("a", encoding="utf-8") as file:
            file.write(f"{message}\n")


def step() -> None:
    """Something has been done. A run lives as long as it does something."""
    global _steps
    _steps += 1


def steps() -> int:
    """Amount of work done in this process; only its growth has a meaning."""
    return _steps
