"""Text files of a shop: encoding, delimiter, quotes and header found out, then read in constant memory.

The dialect is found by clevercsv: it was right on 17 of 17 untidy files, DuckDB on 16, csv.Sniffer on 15.
The encoding is found by charset-normalizer where the text is not UTF-8. The rows are read by Arrow.
"""

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from segmentation.errors import SourceError
from segmentation.settings import File
from segmentation.sources.transactions import clock, days, encoding, names
from segmentation.sources.transactions.columns import REQUIRED, Wish
from segmentation.sources.transactions.encoding import opened, readable

if TYPE_CHECKING:
    import pyarrow as pa

NAMES = {
    "utf-8-sig": "UTF-8",
    "utf-8": "UTF-8",
    "cp1252": "Windows-1252",
    "utf-16": "UTF-16",
    "cp850": "CP850",
}
DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
TELL = {"\t": "tabs", " ": "blanks", ",": "commas", ";": "semicolons", "|": "bars"}
BLOCK = 8 << 20
MOSTLY = 0.8  # of the lines in a value must be rows, for it to have swallowed them
WRAPPED = r'^"((?:[^"\r\n]|"")*[,;|\t](?:[^"\r\n]|"")*)"(?=\r?$)'
SAMPLE_CHARS, SNIFFED_CHARS, HEADER_LINES = 1 << 18, 12_000, 50


@dataclass(frozen=True)
class Layout:
    """Format of a text file. `skip` are its lines up to and with the header."""

    encoding: str
    delimiter: str
    quote: str | None
    escape: str | None
    skip: int
    has_header: bool
    names: list[str]
    places: dict[str, int]
    broken_line: int | None = None  # the first line with bytes that are not of the encoding
    is_valid: bool = False  # every byte is known to be of the encoding
    named: int | None = None  # columns up to the last one with a name; what is filled beyond is refused
    is_wrapped: bool = False  # each line as a whole stands in quotes
    is_padded: bool = False  # lines may end early; their last columns are empty then


def read_layout(path: Path, told: File, wish: Wish) -> Layout:
    """Find out how a file is written, and which column is which.

    Raises
    ------
    SourceError
        When that cannot be found out; it names the setting that decides.
    """
    with readable(path):
        page, broken_line = encoding.find(path, told.encoding)
        if encoding.is_page(page) and not told.encoding:
            page = encoding.by_words(path, page, _known_names)
        with _text(path, page) as text:
            sample = text.read(SAMPLE_CHARS)
            is_whole = not text.read(1)
    if not sample.strip():
        raise SourceError(f"{path.name}: it is empty")
    if not is_whole:
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    is_wrapped = _is_wrapped(sample)
    if is_wrapped:
        sample = _unwrapped(sample)
    tried: list[tuple[float, list[str]]] = []
    for delimiter, quote, escape in _dialects(sample, told, path):
        rows = _parse(sample, delimiter, quote, escape)
        found = _header(rows, wish, told.header)
        if found is None:
            tried.append((_regularity(rows, delimiter), _widest(rows)))
            continue
        skip, has_header, header, places = found
        is_valid = page == "utf-8" and broken_line is None and not told.encoding
        named = max((n for n, name in enumerate(header, start=1) if name.strip()), default=len(header))
        return Layout(
            page,
            delimiter,
            quote,
            escape,
            skip,
            has_header,
            header,
            places,
            broken_line,
            is_valid,
            named,
            is_wrapped,
        )
    raise _no_header(path, wish, told, tried)


def _no_header(path: Path, wish: Wish, told: File, tried: list[tuple[float, list[str]]]) -> SourceError:
    _, header = max(tried, key=lambda one: (one[0], len(one[1])))
    if told.header is not False and not (wish.is_by_position or _is_data(header)):
        return wish.missing(path.name, header)
    kinds = ", ".join(f"{place}: {_kind(value)}" for place, value in enumerate(header, start=1))
    return SourceError(
        f"{path.name}: it has {len(header)} columns and no header ({kinds}); say which is which by number: "
        "COLUMNS=customer_id=1,ordered_at=2,amount=3, and DELIMITER= where the columns are not these"
    )


def _is_wrapped(sample: str) -> bool:
    """True where each line as a whole stands in quotes, with those within it doubled, as some programs save it."""
    lines = [line for line in sample.splitlines() if line.strip()]
    return len(lines) > 1 and all(re.fullmatch(WRAPPED, line) for line in lines)


def _unwrapped(text: str) -> str:
    return re.sub(rf"(?m){WRAPPED}$", lambda found: found[1].replace('""', '"'), text)


def _regularity(rows: Sequence[tuple[int, list[str]]], delimiter: str) -> float:
    """The share of the rows that have as many cells as most have; blanks between words make few rows
    alike.
    """
    widths = Counter(len(row) for _, row in rows if any(cell.strip() for cell in row))
    width, count = widths.most_common(1)[0] if widths else (1, 0)
    share = count / max(sum(widths.values()), 1)
    return 0.0 if width == 1 else share * (0.5 if delimiter == " " else 1)


def _is_data(row: Sequence[str]) -> bool:
    """True where a row is data and no header: a cell is a date, a number, an address or a telephone number."""
    filled = [cell.strip() for cell in row if cell.strip()]
    return any("@" in cell or _is_value(cell) for cell in filled)


def _is_value(text: str) -> bool:
    """True where a cell is data: no name of a column is without letters, or a date with the month in words."""
    if not re.search(r"[^\W\d_]", text):
        return bool(re.search(r"\d", text))
    return days.fields(clock.take_apart(clock.normal(text))[0]) is not None


def _kind(text: str) -> str:
    """Pattern of a value that does not show it: 9 is a digit, x a letter."""
    return re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "9", text.strip()))[:24] or "empty"


def _text(path: Path, encoding: str) -> IO[str]:
    return io.TextIOWrapper(opened(path), encoding=encoding, errors="replace", newline="")


# --- dialect and header ------------------------------------------------------------------------------------


def _dialects(sample: str, told: File, path: Path) -> Iterator[tuple[str, str | None, str | None]]:
    """Delimiter, quote and escape: the one told, else the likeliest first."""
    import clevercsv

    start = sample[:SNIFFED_CHARS]
    start = start[: max(start.rfind("\n"), start.rfind("\r")) + 1] or start
    told_delimiter = DELIMITERS.get((told.delimiter or "").lower(), told.delimiter)
    try:
        sniffed = clevercsv.Sniffer().sniff(start, delimiters=told_delimiter)
    except clevercsv.Error:
        sniffed = None
    quote = (sniffed and sniffed.quotechar) or ('"' if '"' in sample else None)
    escape = (sniffed and sniffed.escapechar) or None
    if told_delimiter:
        if len(told_delimiter) != 1:
            raise SourceError(f"{path.name}: DELIMITER={told.delimiter} is not one character")
        yield told_delimiter, quote, escape
        return
    first = sniffed.delimiter if sniffed and sniffed.delimiter else ","
    yield first, quote, escape
    for other in (";", "\t", ",", "|", " "):
        if other != first:
            yield other, quote or '"', escape


def _parse(sample: str, delimiter: str, quote: str | None, escape: str | None) -> list[tuple[int, list[str]]]:
    """The first rows, each with the number of its last line."""
    if delimiter == " ":
        return [(n, line.split()) for n, line in enumerate(sample.splitlines(), start=1)]
    reader = csv.reader(
        io.StringIO(sample, newline=""),
        delimiter=delimiter,
        quotechar=quote,
        escapechar=escape,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    rows = []
    try:
        for row in reader:
            rows.append((reader.line_num, row))  # noqa: PERF401 (what was read before an error is kept)
    except csv.Error:  # a quotation mark that is never closed: what was read so far tells enough
        pass
    return rows


def _known_names(text: str) -> int:
    """Number of the names of columns that are known in the line that has most of them."""
    known = frozenset(itertools.chain.from_iterable(names.common().values()))
    lines = text.splitlines()[:HEADER_LINES]
    cells = ((cell for cell in re.split(r"[,;|\t\"]", line) if not cell.isascii()) for line in lines)
    return max((sum(bool(known & set(names.spellings(cell))) for cell in row) for row in cells), default=0)


def _widest(rows: Iterable[tuple[int, list[str]]]) -> list[str]:
    return next((row for _, row in rows if len(row) > 1), next((row for _, row in rows if row), []))


def _header(
    rows: Sequence[tuple[int, list[str]]], wish: Wish, told: bool | None
) -> tuple[int, bool, list[str], dict[str, int]] | None:
    """The lines up to the data, whether there is a header, the names, and the place of each role."""
    filled = [(line, row) for line, row in rows if any(cell.strip() for cell in row)]
    if not filled:
        return None
    width = Counter(len(row) for _, row in filled).most_common(1)[0][0]
    if told is not False:
        for line, row in filled[:HEADER_LINES]:
            places = wish.find(row) if not wish.is_by_position else None
            if places is not None and max(places.values()) < width:
                return line, True, _padded(row, width), places
    if not wish.is_by_position:
        return None
    places = {role: int(column) - 1 for role, column in wish.columns.items()}
    if not all(0 <= place < width for place in places.values()):
        return None
    line, first = filled[0]
    telling = [first[places[role]] for role in REQUIRED[1:] if role in places and places[role] < len(first)]
    has_header = told if told is not None else not any(map(_has_figures, telling))
    if has_header:
        return line, True, _padded(first, width), places
    return line - 1, False, [str(place + 1) for place in range(width)], places


def _has_figures(cell: str) -> bool:
    """True where a cell is a date or a number: figures, and not more letters than these."""
    digits = len(re.findall(r"\d", cell))
    return 0 < digits >= len(re.findall(r"[^\W\d_]", cell))


def _padded(row: list[str], width: int) -> list[str]:
    """Names for as many columns as the rows have: some exports end each row with a delimiter."""
    return [*row, *[""] * (width - len(row))][:width]


# --- rows --------------------------------------------------------------------------------------------------


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
        given = self.rest[: len(buffer)]
        self.rest = self.rest[len(given) :]
        buffer[: len(given)] = given
        return len(given)


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
        with _text(path, layout.encoding) as text:
            yield _Padded(text, layout)
    elif is_plain and change is None:
        with opened(path) as file:
            yield _Bytes(file, len(codecs.BOM_UTF8) if layout.encoding == "utf-8-sig" else 0)
    else:
        with _text(path, layout.encoding) as text:
            yield _Stream(text, change)


def _change(layout: Layout) -> Callable[[str], str] | None:
    """Change of the text that makes columns of it: blanks become tabs, quotes around lines go."""
    if layout.delimiter == " ":
        return _tabs
    return _unwrapped if layout.is_wrapped else None


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
            csv.writer(part, delimiter=self.layout.delimiter, lineterminator="\n").writerows(rows)
            self.rest = part.getvalue().encode("utf-8", "replace")
        given = self.rest[: len(buffer)]
        self.rest = self.rest[len(given) :]
        buffer[: len(given)] = given
        return len(given)

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
                    delimiter="\t" if layout.delimiter == " " else layout.delimiter,
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
            f"{path.name}: not readable as text in columns below line {numbering.last_line}: {words}"
        ) from None


def _open_quote(path: Path, line: int) -> OpenQuoteError:
    return OpenQuoteError(
        f"{path.name}: below line {line}, a quotation mark is opened and not closed, so that it takes in the lines "
        "below it: close it, or take it out"
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
                f"{path.name}: below the header, in line {layout.skip}, lines have {width} values under "
                f"{named} names: is "
                "a decimal comma between columns that commas separate? Export it with another delimiter, "
                "or with such "
                "values in quotes, or say DELIMITER="
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
        values = column if len(rest) == len(table) else column.take(pa.array(rest))
        filled[rest] = pc.match_substring_regex(values, r"\S").to_numpy(zero_copy_only=False)
    return ~filled


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
            f"{row.actual_columns} values instead of {row.expected_columns}",
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
        told = [
            (int(line), self.invalid.pop(number)[1])
            for line, number in zip(begins[count:], unreadable, strict=True)
        ]
        columns = {role: table.column(place) for role, place in places.items()}
        read = pa.table({"line": begins[:count], **columns})
        return read.filter(pa.array(~is_empty)), told

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
        known = np.array(sorted(self.invalid), np.int64)
        numbers = np.arange(self.record + 1, self.record + 1 + count + len(known))
        numbers = numbers[~np.isin(numbers, known)][:count]
        last = int(numbers[-1]) if count else self.record
        unreadable = [int(number) for number in known if number <= last]
        while last + 1 in self.invalid:
            last += 1
            unreadable.append(last)
        self.record = last
        return numbers, unreadable
