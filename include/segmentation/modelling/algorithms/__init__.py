"""The registry: every module of this package that defines `ALGORITHM` is an entry, named as its file.

Adding an algorithm is one file here. Beside `ALGORITHM`, it says in two constants what others have to know
before scikit-learn is imported: `TITLES`, its name in the literature by language, and `REQUIRES`, a package
that is not in the lock and without which there is no such algorithm.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segmentation.modelling.algorithms.base import Algorithm

ENGLISH = "en"


@dataclass(frozen=True)
class Declaration:
    """The part of an algorithm that is known without importing its module."""

    titles: Mapping[str, str]
    requires: str | None = None

    @property
    def is_there(self) -> bool:
        """True where the package that it requires is installed."""
        return self.requires is None or find_spec(self.requires) is not None


@cache
def declarations() -> dict[str, Declaration]:
    """Declarations by name of the algorithm, in alphabetical order, also of those that are not installed.

    Raises
    ------
    ValueError
        A module defines `ALGORITHM` and has no English title, or a constant that is no literal.
    """
    modules = {file.stem: _constants(file) for file in sorted(Path(__file__).parent.glob("*.py"))}
    return {name: _declaration(name, constants) for name, constants in modules.items() if constants}


def names() -> tuple[str, ...]:
    """Names of the algorithms that can be fitted here, in alphabetical order."""
    return tuple(name for name, declaration in declarations().items() if declaration.is_there)


@cache
def registry() -> dict[str, Algorithm]:
    """Entries by name, in alphabetical order.

    Raises
    ------
    ValueError
        An entry has another name than its file.
    """
    entries = {name: import_module(f"{__name__}.{name}").ALGORITHM for name in names()}
    for name, entry in entries.items():
        if entry.name != name:
            raise ValueError(f"{name}.py: the algorithm is called '{entry.name}', not as its file")
    return entries


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


def _constants(file: Path) -> dict[str, ast.expr]:
    """Values of the names at the top of a module; none where that defines no algorithm."""
    constants = {
        target.id: node.value
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return constants if "ALGORITHM" in constants else {}


def _declaration(name: str, constants: dict[str, ast.expr]) -> Declaration:
    titles, requires = (_literal(name, constants, constant) for constant in ("TITLES", "REQUIRES"))
    if not isinstance(titles, dict) or ENGLISH not in titles:
        raise ValueError(f'{name}.py: TITLES = {{"{ENGLISH}": ...}} is missing')
    return Declaration(titles, requires)


def _literal(name: str, constants: dict[str, ast.expr], constant: str) -> Any:
    try:
        return ast.literal_eval(constants[constant]) if constant in constants else None
    except ValueError:
        raise ValueError(f"{name}.py: {constant} has to be a literal") from None
