"""Rows of the demo shop as arrays and tables."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import pyarrow as pa

from segmentation.sources.demo.calendar import NEVER
from segmentation.sources.demo.chance import Array


@dataclass(frozen=True)
class _Arrays:
    """Arrays of one length, as columns."""

    def take(self, which: Array) -> Self:
        """Return the rows at the positions (or of the mask) ``which``."""
        return type(self)(*(getattr(self, f.name)[which] for f in fields(self)))


def _repeat(counts: Array) -> tuple[Array, Array]:
    """Return for ``counts`` (2, 3) the owners (0, 0, 1, 1, 1) and the ranks (0, 1, 0, 1, 2)."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def _instants(seconds: Array, missing: Array | None = None) -> pa.Array:
    """Return a column of timestamptz; ``NEVER`` and what ``missing`` marks become null."""
    missing = (seconds == NEVER) if missing is None else missing | (seconds == NEVER)
    return pa.array(np.where(missing, 0, seconds), mask=missing).cast(pa.timestamp("s", "UTC"))


def _id(key: Array) -> Array:
    """Return the key as a positive bigint: 63 bits, so that two rows hardly ever share one."""
    return (key >> np.uint64(1)).astype(np.int64)


def _texts(words: pa.Array, which: Array, missing: Array | None = None) -> pa.Array:
    return words.take(pa.array(which, mask=missing))


def _with_copies(table: pa.Table, which: Array) -> pa.Table:
    """Return the table with the marked rows once more: a queue that delivered twice."""
    return pa.concat_tables([table, table.take(pa.array(np.flatnonzero(which)))])
