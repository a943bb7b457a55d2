"""The registry: every module of this package that defines `ALGORITHM` is an entry.

Adding an algorithm is one file here and one case in `tests/modelling/test_algorithms.py`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from segmentation.modelling.algorithms.base import Algorithm


@cache
def registry() -> dict[str, Algorithm]:
    """Entries by name, in alphabetical order."""
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    entries = [module.ALGORITHM for module in modules if hasattr(module, "ALGORITHM")]
    return {entry.name: entry for entry in sorted(entries, key=lambda entry: entry.name)}


def get(name: str) -> Algorithm:
    """The entry called `name`.

    Raises
    ------
    ValueError
        There is none; the message lists those that exist.
    """
    try:
        return registry()[name]
    except KeyError:
        raise ValueError(f"unknown algorithm '{name}' (there are: {', '.join(registry())})") from None
