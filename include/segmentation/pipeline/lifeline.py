"""Processes that end with the one that started them: `python -m segmentation.pipeline.lifeline scheduler`.

A scheduler that is killed leaves its workers and their tasks behind, and a command that is killed leaves its
scheduler: nobody looks after them, and they go on for hours. Here the kernel ends them (`PR_SET_PDEATHSIG`),
and whatever they fork. Linux only; elsewhere the next command ends what was left behind.
"""

import atexit
import ctypes
import gc
import os
import signal
import sys
import threading

import psutil

PR_SET_PDEATHSIG = 1
NEW_OBJECTS = 50_000  # between two looks for garbage; Python's own number is 700
PARENT = "SEGMENTATION_PARENT"  # the process that a part belongs to


class _Fork:
    """Remembers who forks: to the kernel the parent is the thread that did, and only the main one stays."""

    def __init__(self) -> None:
        self.pid, self.is_main_thread = 0, False

    def before(self) -> None:
        self.pid = os.getpid()
        self.is_main_thread = threading.current_thread() is threading.main_thread()

    def in_child(self) -> None:
        if self.is_main_thread:
            _end_with(self.pid)


def hold() -> None:
    """End this process, and every one that it forks, with its parent."""
    if sys.platform != "linux":
        return
    _end_with(int(os.environ.pop(PARENT, os.getppid())))
    fork = _Fork()
    os.register_at_fork(before=fork.before, after_in_child=fork.in_child)


def _end_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent and not psutil.pid_exists(parent):  # it ended before the kernel was told
        os.kill(os.getpid(), signal.SIGKILL)


def seldom_look_for_garbage() -> None:
    """Have Python look for garbage seldom, and not at its end, when all that there is goes away.

    A sixth of what imports take is spent on it, and a second at the end of each part of Airflow.
    """
    gc.set_threshold(NEW_OBJECTS)
    atexit.register(gc.freeze)


def main() -> None:
    """Run a part of Airflow, by the words of its command line."""
    hold()
    airflow()


def airflow() -> None:
    """Run Airflow's command line with the words of this process."""
    seldom_look_for_garbage()
    from airflow.__main__ import main as command_line

    sys.argv = ["airflow", *sys.argv[1:]]
    command_line()


if __name__ == "__main__":
    main()
