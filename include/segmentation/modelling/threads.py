"""One thread for the libraries of numbers, so that sums come in one order whatever the machine."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[Any]:
    """A block in which BLAS and OpenMP use one thread.

    As `threadpoolctl.threadpool_limits(1)`, which looks for the loaded libraries each time: five milliseconds, more
    than many a fit takes. They are looked for again when a module was imported meanwhile.
    """
    return _controller(len(sys.modules)).limit(limits=1)


@lru_cache(maxsize=1)
def _controller(_modules: int) -> ThreadpoolController:
    return ThreadpoolController()
