"""A file opened, whatever its kind: its columns under the names of their roles, held by distinct values."""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segmentation.errors import SourceError
from segmentation.language.texts import fact
from segmentation.settings import Settings
from segmentation.sources.transactions import encoding, exports, tables, textfile, textrows, unnamed
from segmentation.sources.transactions.coded import Coded
from segmentation.sources.transactions.columns import NUMBERS, ColumnChoice
from segmentation.sources.transactions.exports import Export
from segmentation.sources.transactions.orders import CLOCKS

if TYPE_CHECKING:
    import pyarrow as pa

Batches = Iterator["tuple[pa.Table, list[tuple[int, str]]]"]
# What systems write where there is nothing; in dates and numbers also a dash, NA, and the zero date of MySQL.
NOTHING = r"(?i)^(?:null|nan|nat|none|nil|n/a|#n/a|\\n|<na>|\(null\))$"
NO_FIGURE = r"(?i)^(?:[-–—]{1,3}|na|\.|0000-00-00(?:[ T]00:00:00(?:\.0+)?)?)$"
BLANKS = " \t\r\n\v\f\u00a0\u202f\ufeff\u200b\u200c\u200d\u2060"
QUOTES = "“”„‟"  # that a word processor made of plain ones
MOST_INVALID = 0.01  # of the lines; where more are no rows, the file is written in another way
AS_TEXT = (r'^="([^"]*)"$', r"^'(\d[^']*)$")  # what makes a spreadsheet keep figures as they are
MONEY = ("amount", "order_total", "unit_price")
ENCODERS = 2  # threads; the work is Arrow's, outside of the interpreter's lock
MONTH = r"[A-Za-z]{3,9}"
DAY = (
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{8}"
    rf"|\d{{1,2}}[-/. ]{MONTH}[-/. ]\d{{2,4}},?|{MONTH} \d{{1,2}},? \d{{4}},?"
)
DAY_ALONE = rf"^(?:{DAY})$"
MOST_LEFT = 60  # columns without a role that are looked at
DAY_AND_TIME = rf"^(?P<day>{DAY})[ T](?P<time>\d{{1,2}}:\d{{2}}.*)$"
OTHER_KINDS = (  # what a file that is no table begins with, and what to do about it
    (r"(?is)^\s*(?:<!doctype html|<!--|<(?:html|head|body|table|meta|div|style|script|title|center|font|link|p|h\d)\b)",
     "a page of HTML, whatever its ending says",
     "open it in a spreadsheet and save it as CSV or XLSX"),
    (r"(?is)^\s*<\?xml[^>]*>\s*(?:<\?mso[^>]*>\s*)?<(?:\w+:)?workbook", "an XML spreadsheet of Excel 2003",
     "open it in a spreadsheet and save it as CSV or XLSX"),
    (r"(?is)^\s*<\?xml", "XML", "export it as CSV, XLSX or Parquet"),
    (r"(?s)^\s*\{\s*\"[^\n]*\}\s*\n\s*\{", "JSON lines", "export it as CSV, or turn each object into a row"),
    (r"(?s)^\s*[\[{]\s*(?:[\[{\"]|$)", "JSON", "export it as CSV, or turn each object into a row"),
    (r"(?is)^\s*(?:(?:--|/\*|#)[^\n]*\n\s*|(?:SET|USE|DROP|LOCK|BEGIN|START)\b[^\n]*\n\s*)*"
     r"(?:INSERT\s+INTO|CREATE\s+TABLE|COPY\s+\S+\s*\(|SELECT\s)\s*", "statements of SQL",
     "run them in a database, and export the table as CSV"),
    (r"^%PDF", "a PDF", "export the list as CSV or XLSX"),
    (r"^\{\\rtf", "a text of a word processor", "export the list as CSV or XLSX"),
)  # fmt: skip

PACKED = ("a packed folder", "unpack it, and name the file with the table")
DATABASE = ("a file of a database or a program", "export the table as CSV, XLSX or Parquet")
OF_BYTES = (  # what other files begin with
    (b"7z\xbc\xaf\x27\x1c", PACKED),
    (b"Rar!\x1a", PACKED),
    (b"\x28\xb5\x2f\xfd", PACKED),
    (b"PK\5\6", PACKED),
    (b"SQLite format 3", DATABASE),
    (b"ARROW1", DATABASE),
    (b"FEA1", DATABASE),
    (b"ORC", DATABASE),
    (b"Obj\1", DATABASE),
    (b"\0\1\0\0Standard ", DATABASE),
    (b"\x89PNG", ("a picture", "export the list as CSV or XLSX")),
    (b"\xff\xd8\xff", ("a picture", "export the list as CSV or XLSX")),
    (b"MIME-Version:", ("a page of HTML, whatever its ending says",
                        "open it in a spreadsheet and save it as CSV or XLSX")),
)  # fmt: skip


@dataclass
class Content:
    """The rows of a file: how it is written in words, its header, and its columns by role.

    `places` are the columns' places in the header; `invalid` the lines that are no rows, and why.
    """

    file: str
    words: str
    names: list[str]
    places: dict[str, int]
    lines: np.ndarray
    columns: dict[str, Coded]
    invalid: list[tuple[int, str]]
    notes: list[str] = field(default_factory=list)
    export: Export | None = None
    clocks: Coded | None = None  # the times of day that stand behind the days of ordered_at
    headers: frozenset[int] = frozenset()  # lines that repeat the header, as pages do

    def text_of(self, role: str, row: int) -> str:
        """The value of a row as it stands."""
        column = self.columns[role]
        text = column.values[int(column.codes[row])].as_py()
        if role == "ordered_at" and self.clocks is not None:
            text = f"{text} {self.clocks.values[int(self.clocks.codes[row])].as_py()}".rstrip()
        return text

    @property
    def rows(self) -> int:
        return len(self.lines)

    def name_of(self, role: str) -> str:
        """The header of a role's column, as it stands in the file."""
        return self.names[self.places[role]].strip()


@dataclass
class _OpenFile:
    words: str
    names: list[str]
    places: dict[str, int]
    batches: Batches
    notes: Sequence[str] = field(default_factory=list)
    again: Callable[[Callable[[textfile.Layout], textfile.Layout]], "_OpenFile"] | None = (
        None  # with another layout
    )


def read(path: Path, settings: Settings, choice: ColumnChoice, progress: Callable[[str], None]) -> Content:
    """Read a file as a whole; its columns take 4 bytes a row, and each distinct value once.

    Raises
    ------
    SourceError
        What cannot be read: the file, the line, and what to do.
    """
    _refuse_other_kinds(path)
    content = _whole(path, settings, choice, progress)
    if not choice.columns and (unfit := _unfit_places(content)):
        others = replace(choice, empty=unfit)
        places = others.find(content.names) or {}
        if set(places.values()) - set(content.places.values()):
            names = listed(content.names[place].strip() for place in sorted(unfit))
            content = _whole(path, settings, others, progress)
            content.notes.append(fact("nobody fills {names}: others are read in their place", names=names))
            choice = others
    if not choice.columns and (more := _columns_by_values(path, settings, choice, content)):
        notes = content.notes
        content = _whole(path, settings, replace(choice, more=more), progress)
        content.notes = [*notes, *(_by_values(role, name) for role, _, name in more)]
    return content


def _by_values(role: str, name: str) -> str:
    return fact("'{name}' is taken as {role}, by what stands in it", name=name.strip(), role=role)


def _columns_by_values(
    path: Path, settings: Settings, choice: ColumnChoice, content: Content
) -> tuple[tuple[str, int, str], ...]:
    """Role, place and name of columns that no name tells and their values do, by the first lines of the file."""
    roles = frozenset() if content.export else unnamed.missing(content.places)
    own = {*content.places.values(), *choice.empty}
    left = {place: name for place, name in enumerate(content.names) if name.strip() and place not in own}
    if not roles or not left or len(left) > MOST_LEFT:
        return ()
    more = tuple((str(place), place, name) for place, name in left.items())
    own_roles = [role for role in unnamed.OF_AN_ORDER if role in content.places]
    open_file = _open(path, settings, replace(choice, more=more))
    columns = unnamed.first_rows(open_file.batches, [*own_roles, *map(str, left)])
    if columns is None:
        return ()
    columns = {role: clean(role, column) for role, column in columns.items()}
    others = {place: (name, columns[str(place)]) for place, name in left.items()}
    places = unnamed.find(roles, others, columns["customer_id"], columns["ordered_at"])
    return tuple((role, place, left[place]) for role, place in places.items())


def _unfit_places(content: Content) -> frozenset[int]:
    """The places of columns that were guessed and have no value, or none with a figure where amounts are wanted."""
    if not content.rows:
        return frozenset()
    unfit = {role for role, column in content.columns.items() if column.is_empty().all()}
    unfit |= {role for role in MONEY if role in content.columns and not _has_figures(content.columns[role])}
    return frozenset(content.places[role] for role in unfit)


def _has_figures(column: Coded) -> bool:
    """True where a value of the column has a figure."""
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(column.values, r"\pN")).as_py())


def _whole(path: Path, settings: Settings, choice: ColumnChoice, progress: Callable[[str], None]) -> Content:
    open_file = _open(path, settings, choice)
    try:
        content = _read(path, open_file, choice, progress)
    except textrows.OpenQuoteError:
        if open_file.again is None:
            raise
        open_file = open_file.again(textrows.unquoted)
        content = _read(path, open_file, choice, progress)
        if len(content.invalid) > MOST_INVALID * content.rows:
            raise
        content.notes.append(fact("quotation marks mean nothing in it: one is opened and not closed"))
    if open_file.again and _end_early(content) > MOST_INVALID * content.rows:
        content = _read(path, open_file.again(textrows.padded), choice, progress)
        content.notes.append(fact("lines that end early: their last columns are empty"))
    return content


def _end_early(content: Content) -> int:
    """Number of the lines that have fewer values than the header has names."""
    return sum(_is_short(problem) for _, problem in content.invalid)


def _is_short(problem: str) -> bool:
    values, _, names = problem.partition(" values instead of ")
    return values.isdigit() and names.isdigit() and int(values) < int(names)


def _read(
    path: Path, open_file: "_OpenFile", choice: ColumnChoice, progress: Callable[[str], None]
) -> Content:
    import pyarrow.compute as pc

    lines: list[np.ndarray] = []
    parts: dict[str, list[Any]] = {role: [] for role in (*open_file.places, CLOCKS)}
    invalid: list[tuple[int, str]] = []
    rows, headers = 0, frozenset[int]()
    for batch, unreadable in open_file.batches:
        lines.append(batch.column("line").to_numpy())
        for role in open_file.places:
            if role == "ordered_at" and not choice.is_raw:
                days, clocks = cut(batch.column(role).combine_chunks())
                parts[role].append(days)
                parts[CLOCKS].append(clocks)
            else:
                parts[role].extend(batch.column(role).chunks)
        invalid.extend(unreadable)
        rows += len(batch)
        progress(f"load {path.name}: {rows:,} rows")
    columns = _columns(parts, choice.is_raw)
    clocks = columns.pop(CLOCKS)
    if not len(clocks.codes):
        clocks = Coded.empty(rows)
    if not choice.columns:
        _refuse_two_tables(path, open_file)
    export = None if choice.columns else (exports.match(open_file.names) or (None,))[0]
    numbers = np.concatenate(lines) if lines else np.zeros(0, np.int64)
    repeated = _repeats(columns, open_file)
    if repeated.any():
        headers = frozenset(numbers[repeated].tolist())
        invalid += [(line, fact("the header again")) for line in headers]
        numbers, clocks = numbers[~repeated], Coded(clocks.codes[~repeated], clocks.values)
        columns = {role: Coded(column.codes[~repeated], column.values) for role, column in columns.items()}
    return Content(
        file=path.name,
        words=open_file.words,
        names=open_file.names,
        places=open_file.places,
        lines=numbers,
        columns=columns,
        invalid=sorted(invalid),
        notes=list(open_file.notes),
        export=export,
        headers=headers,
        clocks=None if pc.all(pc.equal(clocks.values, "")).as_py() else clocks,
    )


def _refuse_two_tables(path: Path, open_file: _OpenFile) -> None:
    """Refuse two tables side by side: the second one's customers would be nowhere.

    Raises
    ------
    SourceError
    """
    names = [exports.plain(name) for name in open_file.names]
    roles = ("customer_id", "ordered_at", "amount")
    own = [
        exports.plain(open_file.names[open_file.places[role]]) for role in roles if role in open_file.places
    ]
    if len(own) == len(roles) and all(name and names.count(name) > 1 for name in own):
        raise SourceError(
            fact(
                "{file}: customer, date and amount are there twice, side by side: put one table below the other, or "
                "say by number which is meant: COLUMNS=customer_id=1,ordered_at=2,amount=3",
                file=path.name,
            )
        )


def _columns(parts: dict[str, list[Any]], is_raw: bool) -> dict[str, Coded]:
    """Each column encoded once, as a whole, two at a time; its texts go as soon as that is done."""
    with ThreadPoolExecutor(ENCODERS) as pool:
        futures = {role: pool.submit(_column, role, parts.pop(role), is_raw) for role in list(parts)}
        return {role: column.result() for role, column in futures.items()}


def _column(role: str, chunks: list[Any], is_raw: bool) -> Coded:
    import pyarrow as pa

    if not chunks:
        return Coded.empty(0)
    is_coded = [pa.types.is_dictionary(chunk.type) for chunk in chunks]
    if any(is_coded) and not all(is_coded):
        chunks = [c if coded else c.dictionary_encode() for c, coded in zip(chunks, is_coded, strict=True)]
    column = Coded.of(pa.chunked_array(chunks))
    return column if is_raw else clean(role, column)


def _repeats(columns: dict[str, Coded], open_file: _OpenFile) -> np.ndarray:
    """Mask of the rows in which each column has its own name."""
    masks = []
    for role, column in columns.items():
        name = open_file.names[open_file.places[role]].strip()
        masks.append(
            column.rows_where([text == name for text in column.texts]) if _has(column, name) else None
        )
    if not masks or any(mask is None for mask in masks):
        return np.zeros(len(next(iter(columns.values())).codes), bool)
    return np.logical_and.reduce([mask for mask in masks if mask is not None])


def _has(column: Coded, text: str) -> bool:
    import pyarrow.compute as pc

    return bool(text) and pc.index(column.values, text).as_py() >= 0


def cut(column: "pa.Array") -> tuple["pa.Array", "pa.Array"]:
    """Days in figures and the times behind them, so that each has few distinct values; others stay whole."""
    import pyarrow as pa
    import pyarrow.compute as pc

    none = pa.array([""], pa.string()).take(pa.array(np.zeros(len(column), np.int32)))
    if not len(column) or not re.match(DAY_AND_TIME, column[0].as_py().strip()):
        return column, none
    if (pair := _cut_alike(column)) is not None:
        return pair
    pieces = pc.extract_regex(pc.utf8_trim(column, BLANKS), DAY_AND_TIME)
    is_cut = pieces.is_valid()
    days, times = (pc.struct_field(pieces, name) for name in ("day", "time"))
    if pc.all(is_cut).as_py():
        return days, times
    return pc.if_else(is_cut, days, column), pc.if_else(is_cut, times, none)


def _cut_alike(column: "pa.Array") -> "tuple[pa.Array, pa.Array] | None":
    """The same of texts of one length with the time at one place, by their bytes; None where they are others."""
    import pyarrow.compute as pc

    width = len(column[0].as_py().encode())
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    if offsets[-1] - offsets[0] != width * len(column) or not (np.diff(offsets) == width).all():
        return None
    texts = np.frombuffer(column.buffers()[2], np.uint8)[offsets[0] : offsets[-1]].reshape(-1, width)
    place = len(re.split(r"[ T]", column[0].as_py())[0])
    if not place or not ((texts[:, place] == ord(" ")) | (texts[:, place] == ord("T"))).all():
        return None
    days, times = _encoded(texts[:, :place]), _encoded(texts[:, place + 1 :])
    if days is None or times is None:
        return None
    good = pc.all(pc.match_substring_regex(days.dictionary, DAY_ALONE)).as_py()
    good &= pc.all(pc.match_substring_regex(times.dictionary, r"^\d{1,2}:\d{2}")).as_py()
    return (days, times) if good else None


def _encoded(rows: np.ndarray) -> "pa.DictionaryArray | None":
    """Texts of one length, encoded by their distinct values; None where they are not figures and marks."""
    import pyarrow as pa

    texts = pa.Array.from_buffers(
        pa.binary(rows.shape[1]), len(rows), [None, pa.py_buffer(np.ascontiguousarray(rows))]
    ).dictionary_encode()
    distinct = np.frombuffer(texts.dictionary.buffers()[1], np.uint8)
    if (distinct < ord(" ")).any() or (distinct > ord("~")).any():
        return None
    return pa.DictionaryArray.from_arrays(texts.indices, texts.dictionary.cast(pa.binary()).cast(pa.string()))


def clean(role: str, column: Coded) -> Coded:
    """Values without blanks around them; what says that there is nothing is empty."""
    import pyarrow.compute as pc

    values = pc.utf8_trim(column.values, BLANKS + QUOTES)
    for pattern in AS_TEXT:
        if pc.any(pc.match_substring_regex(values, pattern)).as_py():
            values = pc.replace_substring_regex(values, pattern, r"\1")
    patterns = [NOTHING, NO_FIGURE] if role in NUMBERS or role == "ordered_at" else [NOTHING]
    nothing = pc.match_substring_regex(values, "|".join(f"(?:{pattern})" for pattern in patterns))
    if pc.any(nothing).as_py():
        values = pc.if_else(nothing, "", values)
    return column if values.equals(column.values) else column.mapped(values)


def _refuse_other_kinds(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(4096)
    _refuse_bytes(path, start)
    text = start.decode("utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")
    for pattern, kind, advice in OTHER_KINDS:
        if re.search(pattern, text):
            raise SourceError(
                fact(
                    "{file}: it is {kind}, not a table of columns: {advice}",
                    file=path.name,
                    kind=fact(kind),
                    advice=fact(advice),
                )
            )


def _refuse_bytes(path: Path, start: bytes) -> None:
    """Refuse a file that is no text by the bytes that it begins with, also unpacked.

    Raises
    ------
    SourceError
    """
    if start.startswith((b"PAR1", b"PK\3\4", b"\xd0\xcf\x11\xe0")):
        return
    with encoding.readable(path), encoding.opened(path) as file:
        unpacked = file.read(512)
    kind = next((kind for mark, kind in OF_BYTES if start.startswith(mark)), None)
    if unpacked[257:262] == b"ustar":
        kind = PACKED
    if kind:
        raise SourceError(
            fact(
                "{file}: it is {kind}, not a table of columns: {advice}",
                file=path.name,
                kind=fact(kind[0]),
                advice=fact(kind[1]),
            )
        )


def _open(path: Path, settings: Settings, choice: ColumnChoice) -> _OpenFile:
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PAR1"):
        names, places = tables.parquet_columns(path, choice)
        batches = tables.parquet_batches(path, places, settings.shop.timezone)
        return _OpenFile("Parquet", names, places, ((batch, []) for batch in batches))
    is_zip = start.startswith(b"PK\3\4")
    if start.startswith(b"\xd0\xcf\x11\xe0") or (is_zip and not encoding.is_archive(path)):
        return _workbook(path, choice)
    return _text(path, textfile.read_layout(path, settings.file, choice))


def _text(path: Path, layout: textfile.Layout) -> _OpenFile:
    header = fact("header in line {line}", line=layout.skip) if layout.has_header else fact("no header")
    between = fact(textfile.TELL[layout.delimiter]) if layout.delimiter in textfile.TELL else layout.delimiter
    page = textfile.NAMES.get(layout.encoding, layout.encoding.upper())
    notes = []
    if layout.broken_line:
        notes.append(
            fact(
                "bytes that are not {page} were replaced, first in line {line}",
                page=page,
                line=layout.broken_line,
            )
        )
    if layout.is_wrapped:
        notes.append(fact("each line as a whole stands in quotes"))
    return _OpenFile(
        fact("{page} text, {marks} between the columns, {header}", page=page, marks=between, header=header),
        layout.names,
        layout.places,
        textrows.batches(path, layout),
        notes,
        lambda change: _text(path, change(layout)),
    )


def _workbook(path: Path, choice: ColumnChoice) -> _OpenFile:
    sheets, others, hidden = tables.sheets(path, choice)
    sheets, copies = tables.without_copies(sheets)
    names = listed(sheet.name for sheet in sheets)
    one = fact("a workbook, sheet {names}", names=names)
    words = one if len(sheets) == 1 else fact("a workbook, sheets {names}", names=names)
    lacking = fact("left out, for it has not these columns: sheet {names}", names=listed(others))
    unseen = fact("left out, for it is hidden: sheet {names}", names=listed(hidden))
    double = fact("left out, for its rows are in another one: sheet {names}", names=listed(copies))
    notes: list[str] = [*[lacking] * bool(others), *[unseen] * bool(hidden), *[double] * bool(copies)]
    notes += [note for sheet in sheets for note in tables.refuse_unnamed(sheet, path.name)]
    header, places = tables.joined(sheets)
    batches = tables.sheet_batches(sheets)
    return _OpenFile(words, header, places, ((batch, []) for batch in batches), notes)


def listed(names: Any) -> str:
    """Names in quotes, with commas between."""
    return ", ".join(f"'{name}'" for name in names)
