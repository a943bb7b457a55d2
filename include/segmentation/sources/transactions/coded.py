"""A column held as its distinct values and, for each row, the place of its value: work is done once a
value.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


FEW_TEXTS = 10_000  # below which nothing is worth a try
WHOLE = r"^(?:0|[1-9][0-9]{0,17})$"
DENSE = 4  # times as many places as values are counted one by one
PIECE = 1 << 16  # rows that stay near the processor while several things are done to them


@dataclass(frozen=True)
class Coded:
    """The distinct texts of a column (none is null; nothing is the empty text), and a code for each row."""

    codes: np.ndarray  # int32, rows
    values: "pa.Array"  # string, distinct values

    @classmethod
    def of(cls, column: "pa.ChunkedArray | pa.Array") -> "Coded":
        """A column of texts, or of texts that are encoded already."""
        import pyarrow as pa

        if not pa.types.is_dictionary(column.type):  # in one piece: parts would each have all values before
            column = _in_one_piece(column)
            if (whole := _of_whole_numbers(column)) is not None:
                return cls(*whole)
            column = column.dictionary_encode()
        if isinstance(column, pa.ChunkedArray):
            column = column.unify_dictionaries().combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # no chunk at all
            column = pa.array([], pa.string()).dictionary_encode()
        codes = column.indices.cast(pa.int32()).to_numpy(zero_copy_only=False)
        return cls(np.asarray(codes, np.int32), column.dictionary.cast(pa.string()))

    @classmethod
    def empty(cls, rows: int) -> "Coded":
        """A column without a value."""
        import pyarrow as pa

        return cls(np.zeros(rows, np.int32), pa.array([""], pa.string()))

    def mapped(self, values: "pa.Array") -> "Coded":
        """The same rows with other values, of which some may have become equal."""
        import pyarrow as pa

        merged = values.dictionary_encode()
        if len(merged.dictionary) == len(values):  # none have
            return Coded(self.codes, merged.dictionary)
        places = merged.indices.cast(pa.int32()).to_numpy(zero_copy_only=False)
        return Coded(np.asarray(places, np.int32)[self.codes], merged.dictionary)

    def some(self, pattern: str, change: Callable[[str], str]) -> "Coded":
        """The same rows with the distinct values that match a pattern changed."""
        places = self.places(pattern)
        return self.with_texts(places, [change(text) for text in self.texts_at(places)])

    def places(self, pattern: str) -> np.ndarray:
        """The places of the distinct values that match a pattern."""
        import pyarrow.compute as pc

        return np.flatnonzero(pc.match_substring_regex(self.values, pattern).to_numpy(zero_copy_only=False))

    def texts_at(self, places: np.ndarray) -> list[str]:
        """The distinct values at these places."""
        import pyarrow as pa

        return self.values.take(pa.array(places)).to_pylist()

    def with_texts(self, places: np.ndarray, texts: list[str]) -> "Coded":
        """The same rows with other distinct values at these places, in their order."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not len(places):
            return self
        mask = np.zeros(len(self.values), bool)
        mask[places] = True
        return self.mapped(pc.replace_with_mask(self.values, pa.array(mask), pa.array(texts, pa.string())))

    def where(self, pattern: str, holds: Callable[[str], bool]) -> np.ndarray:
        """Mask of the rows whose value matches a pattern and fulfils a condition."""
        places = self.places(pattern)
        return self.rows_at(places[np.array([holds(text) for text in self.texts_at(places)], bool)])

    def rows_at(self, places: np.ndarray) -> np.ndarray:
        """Mask of the rows that have the distinct values at these places."""
        mask = np.zeros(len(self.values), bool)
        mask[places] = True
        return self.rows_where(mask)

    def by(self, change: Callable[[str], str]) -> "Coded":
        """The same rows with each distinct value changed."""
        import pyarrow as pa

        return self.mapped(pa.array([change(text) for text in self.texts], pa.string()))

    @property
    def texts(self) -> list[str]:
        """The distinct values."""
        return self.values.to_pylist()

    @property
    def counts(self) -> np.ndarray:
        """Number of rows of each distinct value."""
        return np.bincount(self.codes, minlength=len(self.values))

    def rows_where(self, of_values: "np.ndarray | list[bool]") -> np.ndarray:
        """Mask of the rows whose value fulfils a condition."""
        of_values = np.asarray(of_values, bool)
        if not len(self.codes) or not of_values.any():
            return np.zeros(len(self.codes), bool)
        return of_values[self.codes]

    def is_empty(self) -> np.ndarray:
        """Mask of the rows that have nothing here."""
        import pyarrow.compute as pc

        return self.rows_where(pc.equal(self.values, "").to_numpy(zero_copy_only=False))

    def column(self) -> "pa.Array":
        """The column as texts, with null for nothing."""
        import pyarrow as pa
        import pyarrow.compute as pc

        values = pc.if_else(pc.equal(self.values, ""), pa.scalar(None, pa.string()), self.values)
        return values.take(pa.array(self.codes))

    def put(self, rows: np.ndarray, codes: np.ndarray) -> "Coded":
        """The same column with other codes in some rows."""
        changed = self.codes.copy()
        changed[rows] = codes
        return Coded(changed, self.values)


def _of_whole_numbers(column: "pa.ChunkedArray | pa.Array") -> "tuple[np.ndarray, pa.Array] | None":
    """The same of texts that are whole numbers as a computer writes them: numbers that lie close need no search.

    None where a text is none, has a zero in front, or the numbers lie far apart.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(column) < FEW_TEXTS or not isinstance(column, pa.Array | pa.StringArray):
        return None
    if not pc.all(pc.match_substring_regex(column[:FEW_TEXTS], WHOLE)).as_py():
        return None
    try:
        numbers = column.cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    low, high = int(numbers.min()), int(numbers.max())
    if low < 0 or high - low > DENSE * len(column):
        return None
    if (pc.binary_length(column).to_numpy() != _figures(numbers)).any():
        return None
    places = numbers - low
    there = np.bincount(places) > 0
    rank = np.cumsum(there, dtype=np.int32) - 1
    return rank[places], pa.array(np.flatnonzero(there) + low).cast(pa.string())


def _figures(numbers: np.ndarray) -> np.ndarray:
    """Number of figures of each number."""
    return np.searchsorted(10 ** np.arange(1, 19), numbers, side="right") + 1


def _in_one_piece(column: "pa.ChunkedArray | pa.Array") -> "pa.ChunkedArray | pa.Array":
    """A column without chunks; one of more than two gigabytes stays as it is."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray) or column.nbytes >= 1 << 31:
        return column
    return column.combine_chunks()


def pieces(rows: int) -> Iterator[slice]:
    """The rows in pieces, of which each stays near the processor."""
    return (slice(start, start + PIECE) for start in range(0, rows, PIECE))


def numbered(values: np.ndarray) -> np.ndarray:
    """A number from 0 for each distinct value, by row."""
    import pyarrow as pa

    return pa.array(values).dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)


def distinct(values: np.ndarray) -> int:
    """Number of distinct values."""
    import pyarrow as pa

    if not len(values):
        return 0
    low, high = int(values.min()), int(values.max())
    if high - low <= DENSE * len(values):
        return int(np.count_nonzero(np.bincount(values - low)))
    return len(pa.array(values).dictionary_encode().dictionary)
