"""Files whose values have types: Parquet, and workbooks of Excel and its like."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation.errors import SourceError
from segmentation.language.texts import fact
from segmentation.sources.transactions import headers
from segmentation.sources.transactions.columns import ColumnChoice
from segmentation.sources.unpacking import refuse_bomb

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_ROWS = 100_000
HEADER_ROWS = 50
MANY_ROWS = 1_000  # of a report by groups, which tell what it is
FEW_NOTES = 3  # rows with a remark beside the table


@dataclass(frozen=True)
class Sheet:
    """The rows of a sheet below its header."""

    name: str
    names: list[str]
    places: dict[str, int]
    skip: int
    rows: list[list[Any]]


# --- Parquet -----------------------------------------------------------------------------------------------


@contextmanager
def _readable(path: Path, kind: str) -> Iterator[None]:
    import pyarrow as pa
    from python_calamine import CalamineError

    try:
        yield
    except (pa.ArrowException, CalamineError, OSError, ValueError) as error:
        words = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SourceError(
            fact("{file}: not readable as {kind}: {reason}", file=path.name, kind=fact(kind), reason=words)
        ) from None


def parquet_columns(path: Path, choice: ColumnChoice) -> tuple[list[str], dict[str, int]]:
    """The names of a Parquet file's columns, and the place of each role.

    Raises
    ------
    SourceError
    """
    import pyarrow.parquet as parquet

    with _readable(path, "Parquet"):
        names = parquet.ParquetFile(path).schema_arrow.names
    places = choice.find(names)
    if places is None:
        raise choice.missing(path.name, names)
    return names, places


def parquet_batches(path: Path, places: dict[str, int], timezone: str) -> Iterator["pa.Table"]:
    """The rows as text under the names of their roles, with their number from 1 as `line`."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    with _readable(path, "Parquet"):
        file = parquet.ParquetFile(path)
        names, before = file.schema_arrow.names, 0
        columns_read = [names[place] for place in places.values()]
        for batch in file.iter_batches(CHUNK_ROWS, columns=columns_read):
            columns = {role: _as_text(batch.column(names[place]), timezone) for role, place in places.items()}
            yield pa.table(
                {"line": pa.array(range(before + 1, before + 1 + len(batch)), pa.int64()), **columns}
            )
            before += len(batch)


def _as_text(column: "pa.Array", timezone: str) -> "pa.Array":
    """Values as text: instants as the shop's wall clock, dates as 2011-12-01, numbers with a point."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.tz:
            column = pc.local_timestamp(column.cast(pa.timestamp("us", timezone)))
        text = column.cast(pa.timestamp("us"), safe=False).cast(pa.string())
    elif pa.types.is_floating(kind):  # 17850.0 is 17850
        whole = pc.equal(pc.trunc(column), column)
        small = pc.less(pc.abs(column), 1e15)
        as_whole = pc.if_else(pc.and_(whole, small), column, None).cast(pa.int64()).cast(pa.string())
        rest = pc.if_else(pc.or_(whole, pc.is_nan(column)), None, column).to_pylist()
        exact = pa.array([None if value is None else repr(value) for value in rest], pa.string())
        text = pc.coalesce(as_whole, exact)
    else:
        text = column.cast(pa.string())
    return pc.fill_null(text, "")


# --- workbooks ---------------------------------------------------------------------------------------------


def sheets(path: Path, choice: ColumnChoice) -> tuple[list[Sheet], list[str], list[str]]:
    """The sheets of a workbook that have the columns, the names of those that have not, and of the hidden
    ones.

    A workbook is read as a whole: a sheet has at most 1,048,576 rows.

    Raises
    ------
    SourceError
        When no sheet has them.
    """
    from python_calamine import CalamineWorkbook, SheetVisibleEnum

    fitting: list[Sheet] = []
    others: list[str] = []
    header: list[str] = []
    refuse_bomb(path)
    with _readable(path, "a workbook"):
        book = CalamineWorkbook.from_path(str(path))
        hidden = [sheet.name for sheet in book.sheets_metadata if sheet.visible != SheetVisibleEnum.Visible]
        if len(hidden) == len(book.sheet_names):
            hidden = []
        for name in book.sheet_names:
            if name in hidden:
                continue
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            sheet = _sheet(name, rows, choice)
            if sheet is None:
                others.append(name)
                header = header or next((_texts(row) for row in rows if any(row)), [])
            else:
                fitting.append(sheet)
    if not fitting:
        raise choice.missing(path.name, header)
    return fitting, others, hidden


def _sheet(name: str, rows: list[list[Any]], choice: ColumnChoice) -> Sheet | None:
    for number, row in enumerate(rows[:HEADER_ROWS]):
        header = _texts(row)
        if choice.is_by_position:
            if not any(header):
                continue
            places = choice.find(header)
            if places is None:
                return None
            is_data = isinstance(row[places["ordered_at"]], date | datetime | float | int)
            return Sheet(name, header, places, number if is_data else number + 1, rows)
        places = choice.find(header)
        if places is not None:
            return Sheet(name, header, places, number + 1, rows)
    return _built_sheet(name, rows, choice)


def _built_sheet(name: str, rows: list[list[Any]], choice: ColumnChoice) -> Sheet | None:
    """The same of a sheet whose header is no single row."""
    if choice.is_by_position:
        return None
    texts = [_texts(row) for row in rows[:MANY_ROWS]]
    filled = [number for number, row in enumerate(texts) if any(row)]
    shown = [texts[number] for number in filled]
    built = headers.in_two_lines(shown[:HEADER_ROWS], choice) or headers.of_groups(shown, choice)
    if built is None:
        return None
    place, names, places = built
    return Sheet(name, names, places, filled[place] + 1, rows)


def refuse_unnamed(sheet: Sheet, file: str) -> list[str]:
    """Refuse a sheet of which many rows have cells beyond the last column with a name; say it of a few.

    Raises
    ------
    SourceError
    """
    named = max((place for place, name in enumerate(sheet.names, start=1) if name), default=0)
    beyond = [
        n
        for n, row in enumerate(sheet.rows[sheet.skip :], start=sheet.skip + 1)
        if any(v != "" for v in row[named:])
    ]
    if len(beyond) > FEW_NOTES:
        raise SourceError(
            fact(
                "{file}: sheet '{name}': {rows:,} rows, the first is {first}, have cells beyond the last of {named} "
                "names: give the column a name, or empty it",
                file=file,
                name=sheet.name,
                rows=len(beyond),
                first=beyond[0],
                named=named,
            )
        )
    return (
        [
            fact(
                "cells beyond the header, left out: {rows} in sheet '{name}'",
                rows=len(beyond),
                name=sheet.name,
            )
        ]
        if beyond
        else []
    )


def without_copies(all_sheets: list[Sheet]) -> tuple[list[Sheet], list[str]]:
    """The sheets whose rows are not all in another one, and the names of those whose rows are."""
    rows = [_counted(sheet) for sheet in all_sheets] if len(all_sheets) > 1 else []
    copies = {
        n
        for n, of in enumerate(rows)
        if any(of <= other and (n > m or of != other) for m, other in enumerate(rows) if m != n and of)
    }
    originals = [sheet for n, sheet in enumerate(all_sheets) if n not in copies]
    return originals, [all_sheets[n].name for n in sorted(copies)]


def _counted(sheet: Sheet) -> Counter[tuple[str, ...]]:
    """The rows that have something, by what they are under the names of the roles, with their number."""
    places = [sheet.places[role] for role in sorted(sheet.places)]
    filled = (row for row in sheet.rows[sheet.skip :] if any(value != "" for value in row))
    return Counter(tuple(_text(row[place]) for place in places) for row in filled)


def joined(sheets: Sequence[Sheet]) -> tuple[list[str], dict[str, int]]:
    """The names and the places of all sheets: those of the first, and behind them what only others have."""
    header, places = list(sheets[0].names), dict(sheets[0].places)
    for sheet in sheets[1:]:
        for role, place in sheet.places.items():
            if role not in places:
                places[role] = len(header)
                header.append(sheet.names[place])
    return header, places


def sheet_batches(sheets: Iterable[Sheet]) -> Iterator["pa.Table"]:
    """The rows of all sheets as text; `line` counts them on through the sheets. Empty rows are left out.

    A column that only other sheets have is empty.
    """
    import pyarrow as pa

    sheets, before = list(sheets), 0
    roles = list(dict.fromkeys(role for sheet in sheets for role in sheet.places))
    for sheet in sheets:
        for start in range(sheet.skip, len(sheet.rows), CHUNK_ROWS):
            part = sheet.rows[start : start + CHUNK_ROWS]
            filled = [
                (before + start + n, row) for n, row in enumerate(part, start=1) if any(v != "" for v in row)
            ]
            cells = {role: [_text(row[place]) for _, row in filled] for role, place in sheet.places.items()}
            columns = {role: pa.array(cells.get(role, [""] * len(filled)), pa.string()) for role in roles}
            yield pa.table({"line": pa.array([number for number, _ in filled], pa.int64()), **columns})
        before += len(sheet.rows)


def _texts(row: Iterable[Any]) -> list[str]:
    return [_text(value).strip() for value in row]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)
