"""Progress of long steps: into the task's log, and to whoever follows the run on a terminal."""

import logging
import os
from pathlib import Path

FOLLOWER = "SEGMENTATION_PROGRESS"

log = logging.getLogger("segmentation")


def say(message: str) -> None:
    """One line of progress. The variable FOLLOWER names a file that a terminal follows."""
    log.info("%s", message)
    if follower := os.environ.get(FOLLOWER):
        with Path(follower).open("a", encoding="utf-8") as file:
            file.write(f"{message}\n")
