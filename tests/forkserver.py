"""`python -m tests.forkserver FOLDER [TESTS] ADDRESS OWNER`: xdist's workers, forked from a process that has collected.

To import what the tests import takes a core eight to twelve seconds, to collect them again one. So they are imported
once, here, and each worker is forked with that behind it; it then collects as it always does. Where this process
fails to collect, it ends, and the workers are processes that begin from nothing and show what is wrong.

A request is one to `tests.warm`.
"""

import gc
import importlib
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest
import setproctitle

from tests import warm


def main() -> None:
    """Collect the tests, then fork workers until the owner ends."""
    folder, *tests, address, owner = sys.argv[1:]
    setproctitle.getproctitle()  # the place of the name is not found once the environment is another
    os.chdir(folder)
    importlib.import_module("skops.io")  # as in each worker (tests/conftest.py)
    gc.disable()
    # what is imported keeps the standard files, which pytest would take away and close
    code = pytest.main(["--collect-only", "-qq", "-n0", "-s", "-p", "no:cacheprovider", *tests])
    if code != pytest.ExitCode.OK or threading.active_count() > 1:  # a thread is in no process that is forked
        sys.exit(f"not forked: {code!r}, {threading.enumerate()}")
    gc.collect()
    gc.freeze()
    gc.enable()
    warm.serve(Path(address), int(owner), _worker)


def _worker(argv: Sequence[str], environment: Mapping[str, str], folder: str, files: Sequence[int]) -> None:
    """Be the process that `python -u -c CODE` would have been, with what the tests import imported."""
    warm.take(files)
    warm.forget_handlers()
    os.environ.update(environment)  # with what modules have set when they were imported
    os.chdir(folder)
    setproctitle.setproctitle("python -u -c (a worker of xdist)")
    sys.argv = ["-c"]
    sys.modules["__main__"] = main_module = ModuleType("__main__")
    exec(argv[-1], main_module.__dict__)  # noqa: S102 (execnet's)


if __name__ == "__main__":
    main()
