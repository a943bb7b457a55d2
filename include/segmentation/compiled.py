"""Templates that are compiled once, and read as bytecode by every later process.

Bytecode is run as it is read. So it lies in a folder of the shop that its owner alone can enter and write to, and
in no other; where there is none, templates are compiled by each process. A file is known by the template's path, and
holds for its text, for the options that it was compiled with, and for this version of Jinja and of Python alone.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import jinja2

FOLDER = "SEGMENTATION_COMPILED"
"""The variable of the environment that names the folder; `make run` and `make up` set it."""


class Compiled(jinja2.FileSystemBytecodeCache):
    """Bytecode in a private folder; what cannot be read or written there is compiled anew."""

    def get_bucket(
        self, environment: jinja2.Environment, name: str, filename: str | None, source: str
    ) -> Any:
        """The bytecode of a text, if it was compiled with the same options."""
        options = (
            jinja2.__version__,
            environment.autoescape,
            environment.trim_blocks,
            environment.lstrip_blocks,
            environment.undefined.__name__,
        )
        return super().get_bucket(environment, name, filename, f"{options}\n{source}")

    def get_source_checksum(self, source: str) -> str:
        """A digest of a text and of its options."""
        return hashlib.sha256(source.encode()).hexdigest()

    def load_bytecode(self, bucket: Any) -> None:
        """Read what is there; a file that is cut or spoilt is as none."""
        try:
            super().load_bytecode(bucket)
        except Exception:
            bucket.reset()

    def dump_bytecode(self, bucket: Any) -> None:
        """Keep the bytecode where there is room for it."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def cache() -> Compiled | None:
    """The bytecode of this shop; None where its folder is not named, or others may enter it."""
    folder = os.environ.get(FOLDER)
    return Compiled(folder) if folder and _is_private(Path(folder)) else None


def _is_private(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    is_mine = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return is_mine and stat.S_IMODE(status.st_mode) == stat.S_IRWXU


def when_rendered(filters: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """The filters, called when a template is rendered and never while it is compiled.

    The compiler calls a filter of a constant itself, so that its bytecode would hold a currency or a language.
    """
    return {name: _late(function) for name, function in filters.items()}


def _late(function: Callable[..., Any]) -> Callable[..., Any]:
    @jinja2.pass_context
    def late(_: Any, *values: Any, **options: Any) -> Any:
        return function(*values, **options)

    return late
