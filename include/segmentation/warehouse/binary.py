"""Binary COPY of numbers, as Postgres sends it."""

from collections.abc import Callable

import numpy as np


class BinaryRows:
    """Takes the binary COPY of numbers without nulls: a head of 19 bytes, rows of one width, an end of 2.

    `take` is given the rows, some at a time, as arrays of shape (some, columns).

    A row is a 16-bit count of its fields, and each field a 32-bit length before its value, all big-endian.
    """

    HEAD, END, BLOCK = 19, 2, 1 << 23

    def __init__(self, columns: int, size: int, take: Callable[[np.ndarray], object]) -> None:
        self.row = np.dtype(
            [("fields", ">i2"), ("field", [("length", ">i4"), ("value", f">f{size}")], (columns,))]
        )
        self.size = size
        self.waiting = bytearray()
        self.is_begun = False
        self.take = take

    def write(self, data: bytes) -> None:
        """Called by psycopg2 with what the server sends."""
        self.waiting += data
        if len(self.waiting) > self.BLOCK:
            self._take()

    def _take(self) -> None:
        start = 0 if self.is_begun else self.HEAD
        self.is_begun = True
        rows = (len(self.waiting) - start) // self.row.itemsize
        records = np.frombuffer(bytes(self.waiting[start : start + rows * self.row.itemsize]), self.row)
        self.take(records["field"]["value"].astype(f"f{self.size}"))
        del self.waiting[: start + rows * self.row.itemsize]

    def finish(self) -> None:
        """Take the last block; what is then left is the end of the stream.

        Raises
        ------
        ValueError
            When the stream is not rows of one width.
        """
        self._take()
        if len(self.waiting) != self.END:
            raise ValueError(f"the COPY ended with {len(self.waiting)} bytes that are no row")
