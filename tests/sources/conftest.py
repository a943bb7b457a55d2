"""A file written and inspected, for the tests of the reader."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segmentation.settings import Settings
from segmentation.sources.inspect import Inspection, inspect


@pytest.fixture
def read(tmp_path) -> Callable[..., Inspection]:
    """Writes a file and inspects it."""

    def write(
        content: str | bytes, zone: str = "Europe/London", name: str = "f.csv", **file: Any
    ) -> Inspection:
        path = Path(tmp_path) / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        settings = Settings(shop={"name": "t", "source": "transactions", "timezone": zone}, file=file)
        return inspect(path, settings)

    return write
