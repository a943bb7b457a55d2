"""Rows of a text file, read by Arrow in batches and in constant memory, each with the line that it begins on."""

import codecs
import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from segmentation.errors import SourceError
from segmentation.language.texts import fact
from segmentation.sources.transactions.encoding import opened, readable
from segmentation.sources.transactions.textfile import Layout, text_of, unwrapped

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 8 << 20
BETWEEN = "\x1f"  # in the place of a delimiter that is no ASCII, as the wide comma of Chinese
MOSTLY = 0.8  # of the lines in a value must be rows, for it to have swallowed them


class _Stream(io.RawIOBase):
    """The text as UTF-8 bytes, some whole lines of it changed at a time where `change` is given."""

    def __init__(self, text: IO[str], change: Callable[[str], str] | None) -> None:
        self.text, self.change, self.rest = text, change, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if not self.rest:
            part = self.text.read(1 << 20)
            if self.change:
                part = self.change(part + self.text.readline())
            self.rest = part.replace("\0", "").encode("utf-8", "replace")
        chunk = self.rest[: len(buffer)]
        self.rest = self.rest[len(chunk) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)


class _Bytes(io.RawIOBase):
    """A text that is UTF-8 already, without null bytes."""

    def __init__(self, file: IO[bytes], skip: int) -> None:
        self.file = file
        file.read(skip)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        part = self.file.read(len(buffer))
        if b"\0" in part:
            part = part.replace(b"\0", b"") or b" "
        buffer[: len(part)] = part
        return len(part)


@contextmanager
def _stream(path: Path, layout: Layout) -> Iterator[io.RawIOBase]:
    """The text as UTF-8, decoded only where it is written another way."""
    is_plain = layout.encoding in ("utf-8", "utf-8-sig") and not layout.broken_line and layout.is_valid
    change = _change(layout)
    if layout.is_padded:
        with text_of(path, layout.encoding) as text:
            yield _Padded(text, layout)
    elif is_plain and change is None:
        with opened(path) as file:
            yield _Bytes(file, len(codecs.BOM_UTF8) if layout.encoding == "utf-8-sig" else 0)
    else:
        with text_of(path, layout.encoding) as text:
            yield _Stream(text, change)


def _change(layout: Layout) -> Callable[[str], str] | None:
    """Change of the text that makes columns of it: blanks become tabs, quotes around lines go."""
    if layout.delimiter == " ":
        return _tabs
    if not layout.delimiter.isascii():
        return lambda lines: lines.replace(layout.delimiter, BETWEEN)
    return unwrapped if layout.is_wrapped else None


class _Padded(io.RawIOBase):
    """The text as UTF-8 bytes, with lines that end early made as long as the header: their last values are empty."""

    def __init__(self, text: IO[str], layout: Layout) -> None:
        self.rest, self.layout = b"", layout
        self.reader = csv.reader(
            text,
            delimiter=layout.delimiter,
            quotechar=layout.quote or '"',
            escapechar=layout.escape,
            quoting=csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE,
        )

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if not self.rest:
            rows = [self._padded(row) for row in itertools.islice(self.reader, 10_000)]
            part = io.StringIO(newline="")
            csv.writer(part, delimiter=_between(self.layout), lineterminator="\n").writerows(rows)
            self.rest = part.getvalue().encode("utf-8", "replace")
        chunk = self.rest[: len(buffer)]
        self.rest = self.rest[len(chunk) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _padded(self, row: list[str]) -> list[str]:
        width, least = len(self.layout.names), max(self.layout.places.values()) + 1
        return [*row, *[""] * (width - len(row))] if least <= len(row) < width else row


def padded(layout: Layout) -> Layout:
    """The layout of the same file, read with lines that may end early."""
    return replace(layout, is_padded=True)


def unquoted(layout: Layout) -> Layout:
    """The layout of the same file, in which quotation marks mean nothing."""
    return replace(layout, quote=None, escape=None)


class OpenQuoteError(SourceError):
    """A quotation mark is opened and not closed, so that it takes in the lines below."""


def _between(layout: Layout) -> str:
    """The delimiter of the text that Arrow reads: one byte."""
    if layout.delimiter == " ":
        return "\t"
    return layout.delimiter if layout.delimiter.isascii() else BETWEEN


def _tabs(lines: str) -> str:
    lines = re.sub(r"(?m)^[ \t]+|[ \t]+(?=\r?$)", "", lines)
    return re.sub(r"[ \t]+", "\t", lines)


def batches(path: Path, layout: Layout) -> Iterator["tuple[pa.Table, list[tuple[int, str]]]"]:
    """The rows, as text under the names of their roles and with the `line` each begins on, in batches.

    With each batch come the lines that are no rows, and why. Empty lines are left out.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    columns = [f"column {place}" for place in range(len(layout.names))]
    quoted = layout.quote if layout.delimiter != " " and layout.quote else False
    if layout.is_padded:
        quoted = '"'
    numbering = _Numbering(layout.skip, layout if quoted else None)
    try:
        with readable(path), _stream(path, layout) as stream:
            reader = arrow_csv.open_csv(
                stream,
                read_options=arrow_csv.ReadOptions(
                    use_threads=False, block_size=BLOCK, skip_rows=layout.skip, column_names=columns
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=_between(layout),
                    quote_char=quoted,
                    escape_char=(not layout.is_padded and layout.escape) or False,
                    newlines_in_values=bool(quoted),
                    ignore_empty_lines=False,
                    invalid_row_handler=numbering.note,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()),
                    strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
            for batch in reader:
                table = pa.Table.from_batches([batch])
                if numbering.has_open_quote:
                    raise _open_quote(path, numbering.last_line)
                _refuse_swallowed(path, table, layout, numbering.last_line)
                read, invalid = numbering.rows(table, layout.places)
                _refuse_unnamed(path, table, layout, read)
                yield read, invalid
            if numbering.has_open_quote:
                raise _open_quote(path, numbering.last_line)
            if numbering.invalid:
                yield numbering.rows(reader.schema.empty_table(), layout.places)
    except pa.ArrowInvalid as error:
        words = str(error).splitlines()[0]
        if "straddling" in words:
            raise _open_quote(path, numbering.last_line) from None
        raise SourceError(
            fact(
                "{file}: not readable as text in columns below line {line}: {reason}",
                file=path.name,
                line=numbering.last_line,
                reason=words,
            )
        ) from None


def _open_quote(path: Path, line: int) -> OpenQuoteError:
    return OpenQuoteError(
        fact(
            "{file}: below line {line}, a quotation mark is opened and not closed, so that it takes in the lines below "
            "it: close it, or take it out",
            file=path.name,
            line=line,
        )
    )


def _refuse_swallowed(path: Path, table: "pa.Table", layout: Layout, line: int) -> None:
    """Refuse a value that has whole rows of the file in it.

    Raises
    ------
    OpenQuoteError
    """
    import pyarrow.compute as pc

    if not layout.quote or layout.delimiter == " ":
        return
    for column in table.itercolumns():
        broken = pc.greater_equal(pc.count_substring(column, "\n"), 2)
        if not pc.any(broken).as_py():
            continue
        for text in column.filter(broken).to_pylist():
            if _has_rows(text, layout):
                raise _open_quote(path, line)


def _has_rows(text: str, layout: Layout) -> bool:
    """True where the lines within a value are rows of the file."""
    inner = text.split("\n")[1:-1]
    rows = sum(row.count(layout.delimiter) >= len(layout.names) - 1 for row in inner)
    return len(layout.names) > 1 and rows >= max(MOSTLY * len(inner), 1)


def _refuse_unnamed(path: Path, table: "pa.Table", layout: Layout, read: "pa.Table") -> None:
    """Refuse values beyond the last column with a name: a decimal comma between commas cuts amounts in two.

    Raises
    ------
    SourceError
    """
    import pyarrow.compute as pc

    named = layout.named or len(layout.names)
    for column in table.columns[named:]:
        filled = pc.not_equal(pc.utf8_trim_whitespace(column), "")
        if pc.any(filled).as_py():
            width = len(layout.names)
            raise SourceError(
                fact(
                    "{file}: below the header, in line {line}, lines have {width} values under {named} names: is a "
                    "decimal comma between columns that commas separate? Export it with another delimiter, or with "
                    "such values in quotes, or say DELIMITER= [the header is: {names}]",
                    file=path.name,
                    line=layout.skip,
                    width=width,
                    named=named,
                    names=", ".join(name.strip() for name in layout.names if name.strip()),
                )
            )


def _are_empty(table: "pa.Table") -> np.ndarray:
    """Mask of the rows that have blanks at most."""
    import pyarrow as pa
    import pyarrow.compute as pc

    filled = np.zeros(len(table), bool)
    for column in table.itercolumns():
        rest = np.flatnonzero(~filled)
        if not len(rest):
            break
        if len(rest) == len(table):
            filled = _begins_filled(column)
            rest = np.flatnonzero(~filled)
        if len(rest):
            values = column.take(pa.array(rest))
            filled[rest] = pc.match_substring_regex(values, r"\S").to_numpy(zero_copy_only=False)
    return ~filled


def _begins_filled(column: "pa.ChunkedArray") -> np.ndarray:
    """Mask of the values whose first byte is no blank of ASCII, nor the beginning of another blank."""
    if column.num_chunks != 1:
        return np.zeros(len(column), bool)
    values = column.chunk(0)
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    data = values.buffers()[2]
    if data is None or not data.size:
        return np.zeros(len(values), bool)
    first = np.frombuffer(data, np.uint8)[np.minimum(offsets[:-1], data.size - 1)]
    return (np.diff(offsets) > 0) & (first > ord(" ")) & (first < 0x7F)


class _Numbering:
    """Line of the file that a row begins on: what is no row, and line breaks within values, count too."""

    def __init__(self, skip: int, quoted: Layout | None) -> None:
        self.quoted, self.is_quoted, self.has_open_quote = quoted, quoted is not None, False
        self.record = skip  # records seen, the lines before the data among them
        self.last_line = skip
        self.invalid: dict[int, tuple[int, str]] = {}  # record: line breaks in it, what is wrong

    def note(self, row) -> str:
        """Arrow tells of a row that has too many values, or too few."""
        if self.quoted and _has_rows(row.text, self.quoted):
            self.has_open_quote = True
        self.invalid[row.number] = (
            row.text.count("\n"),
            fact(
                "{actual} values instead of {expected}",
                actual=row.actual_columns,
                expected=row.expected_columns,
            ),
        )
        return "skip"

    def rows(self, table: "pa.Table", places: dict[str, int]) -> "tuple[pa.Table, list[tuple[int, str]]]":
        """The columns with a role of a batch, and the lines that were no rows before its end."""
        import pyarrow as pa

        count = len(table)
        breaks = self._breaks(table)
        is_empty = _are_empty(table)
        numbers, unreadable = self._numbers(count)
        own = np.array([self.invalid[number][0] for number in unreadable], np.int64)
        everything = np.concatenate([numbers, np.array(unreadable, np.int64)])
        order = np.argsort(everything)
        extent = 1 + np.concatenate([breaks, own])[order]
        begins = np.empty(len(everything), np.int64)
        begins[order] = self.last_line + 1 + np.concatenate([[0], np.cumsum(extent)[:-1]])
        self.last_line += int(extent.sum())
        faults = [
            (int(line), self.invalid.pop(number)[1])
            for line, number in zip(begins[count:], unreadable, strict=True)
        ]
        columns = {role: table.column(place) for role, place in places.items()}
        read = pa.table({"line": begins[:count], **columns})
        return read.filter(pa.array(~is_empty)), faults

    def _breaks(self, table: "pa.Table") -> np.ndarray:
        """The line breaks within the values of each row."""
        import pyarrow.compute as pc

        breaks = np.zeros(len(table), np.int64)
        if self.is_quoted:
            for column in table.itercolumns():
                breaks += pc.count_substring(column, "\n").to_numpy()
        return breaks

    def _numbers(self, count: int) -> tuple[np.ndarray, list[int]]:
        """The record numbers of the next rows, and of the unreadable ones among them and just after them."""
        broken = np.array(sorted(self.invalid), np.int64)
        numbers = np.arange(self.record + 1, self.record + 1 + count + len(broken))
        numbers = numbers[~np.isin(numbers, broken)][:count]
        last = int(numbers[-1]) if count else self.record
        unreadable = [int(number) for number in broken if number <= last]
        while last + 1 in self.invalid:
            last += 1
            unreadable.append(last)
        self.record = last
        return numbers, unreadable
