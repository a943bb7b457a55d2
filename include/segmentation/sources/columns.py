"""Files whose columns a `file.yaml` names: loaded as they are, by the reader that files of transactions have.

Encoding, delimiter, quotes, header, sheets and the ways in which dates and numbers are written are found out by that
reader, on the whole of each column; what the columns mean is the business of the source's SELECTs.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from psycopg2 import sql
from pydantic import BaseModel, ConfigDict

from segmentation.errors import SourceError
from segmentation.language.texts import fact
from segmentation.settings import Settings
from segmentation.sources.masking import pattern_of
from segmentation.sources.transactions import amounts, content, copying, dates
from segmentation.sources.transactions.coded import Coded
from segmentation.sources.transactions.columns import ColumnChoice
from segmentation.sources.transactions.content import Content
from segmentation.warehouse import db

KINDS = {"timestamp": "timestamp", "text": "text", "number": "text"}


class Column(BaseModel):
    """A column of the file: the names it goes by, and whether it is parsed.

    A `number` is text in one form, 1234.5 for 1.234,50 €; what is none stays as it is.
    """

    model_config = ConfigDict(extra="forbid")
    names: list[str]
    type: Literal["text", "timestamp", "number"] = "text"


class FileSpec(BaseModel):
    """`file.yaml`: where a file of a source goes, and the columns that it must have.

    `reader: transactions` is for the one source whose columns have any names.
    """

    model_config = ConfigDict(extra="forbid")
    table: str
    reader: Literal["columns", "transactions"] = "columns"
    columns: dict[str, Column]


@dataclass(frozen=True)
class Named(ColumnChoice):
    """The columns that a `file.yaml` names, each under any of its names, whatever their case."""

    names: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: FileSpec) -> "Named":
        """The columns of a file of this kind."""
        names = {name: column.names for name, column in spec.columns.items()}
        return cls({name: of[0] for name, of in names.items()}, names=names)

    @property
    def is_by_position(self) -> bool:
        """Never: each column has a name."""
        return False

    @property
    def is_raw(self) -> bool:
        """Always: texts stay as they are, NA and null among them."""
        return True

    def find(self, header: Sequence[str]) -> dict[str, int] | None:
        """The place of each column in a header, or None when it is not this header."""
        places = {name: place for name, of in self.names.items() if (place := _place(of, header)) is not None}
        return places if len(places) == len(self.names) else None

    def missing(self, file: str, header: Sequence[str]) -> SourceError:
        """Error for a file in which no line is the header."""
        lacking = next(of for of in self.names.values() if _place(of, header) is None)
        names = ", ".join(name.strip() for name in header)
        return SourceError(
            fact(
                "{file}: column {names} is missing (found: {found})",
                file=file,
                names=" or ".join(lacking),
                found=names,
            )
        )


def _place(names: Sequence[str], header: Sequence[str]) -> int | None:
    there = [name.strip().lower() for name in header]
    return next((there.index(name.lower()) for name in names if name.lower() in there), None)


@dataclass(frozen=True)
class Read:
    """A file of named columns, read: its content, and the moments of its columns of dates."""

    content: Content
    moments: dict[str, np.ndarray]  # microseconds since 1970, by the clock of the shop
    notes: list[str]


def read(spec: FileSpec, path: Path, settings: Settings, progress: Callable[[str], None]) -> Read:
    """Read a file whose columns have names.

    Raises
    ------
    SourceError
        What cannot be read: a column that is missing, a line that is no row, a value that is no date.
    """
    opened = content.read(path, settings, Named.of(spec), progress)
    _refuse_broken(opened)
    notes = [opened.words, *opened.notes]
    moments = {}
    for name, column in spec.columns.items():
        if column.type == "timestamp":
            moments[name], words = _moments(opened, name, settings)
            notes.append(fact("'{name}': {told}", name=opened.name_of(name), told=words))
    notes += _numbers(
        opened, [name for name, column in spec.columns.items() if column.type == "number"], settings
    )
    return Read(opened, moments, notes)


def _refuse_broken(opened: Content) -> None:
    """Refuse a file with lines that are no rows: nothing of it is left out in silence."""
    bad = [(line, problem) for line, problem in opened.invalid if line not in opened.headers]
    if bad:
        examples = "; ".join(f"line {line}: {problem}" for line, problem in bad[:3])
        raise SourceError(
            fact(
                "{file}: lines that cannot be read: {lines:,} ({examples})",
                file=opened.file,
                lines=len(bad),
                examples=examples,
            )
        )


def _moments(opened: Content, name: str, settings: Settings) -> tuple[np.ndarray, str]:
    """A column of dates by the shop's clock, and how they are written."""
    column = content.clean("ordered_at", opened.columns[name])
    theirs, file = opened.name_of(name), opened.file
    if not opened.rows:
        return np.zeros(0, np.int64), fact("there are no dates")
    days, clocks = (column.mapped(part) for part in content.cut(column.values))
    has_clocks = bool(clocks.texts != [""])
    written = dates.Written(days, clocks if has_clocks else None)
    moments = dates.read(written, None, opened.lines, settings.file.dates, settings.shop.timezone, file)
    if moments.has_zone:
        raise SourceError(
            fact(
                "{file}: column {name}: times with an offset from UTC (Z, +01:00) are not read; write the shop's own "
                "time of day",
                file=file,
                name=theirs,
            )
        )
    wrong = moments.written == dates.UNREADABLE
    if wrong.any():
        row = int(wrong.argmax())
        place = {"file": file, "row": row + 1, "name": theirs}
        text = column.values[int(column.codes[row])].as_py()
        raise SourceError(
            fact(
                "{file}: row {row} (below the header), column {name}: '{value}' is not a date and time",
                **place,
                value=pattern_of(text),
            ),
            unsaid=fact("{file}: row {row} (below the header), column {name}: not a date and time", **place),
        )
    return moments.written, moments.words


def _numbers(opened: Content, names: list[str], settings: Settings) -> list[str]:
    """Put the numbers of these columns in one form; and how they are written, where that is not the form."""
    columns = {name: _trimmed(opened.columns[name]) for name in names}
    zone = settings.shop.timezone
    surveys = [amounts.survey(_role(name), opened.name_of(name), column) for name, column in columns.items()]
    notes: list[str] = []
    for survey in surveys:
        mark = amounts.decide([survey], settings.file.decimal, opened.lines, zone, opened.file)[survey.role]
        name = next(name for name, column in columns.items() if column is survey.rows)
        opened.columns[name] = _in_one_form(survey, opened.columns[name], mark, zone)
        if mark == ",":
            notes.append(fact("numbers in '{name}' have a decimal comma", name=survey.name))
    return notes


def _role(name: str) -> str:
    """Pieces may have a unit beside them, amounts a currency."""
    return "quantity" if name == "quantity" else "amount"


def _in_one_form(survey: amounts.Column, column: Coded, mark: str, zone: str) -> Coded:
    """The column with a decimal point and no groups, signs or currencies in its numbers."""
    import pyarrow as pa

    values = survey.rows.values
    each = amounts.survey(survey.role, survey.name, Coded(np.arange(len(values), dtype=np.int32), values))
    numbers = amounts.read(each, mark, zone).values
    texts = [
        text if re.fullmatch(amounts.PLAIN, text) and mark == "." else _written(number, text)
        for text, number in zip(column.texts, numbers.tolist(), strict=True)
    ]
    return column.mapped(pa.array(texts, pa.string()))


def _trimmed(column: Coded) -> Coded:
    """The same rows without blanks around their values."""
    import pyarrow.compute as pc

    return Coded(column.codes, pc.utf8_trim(column.values, content.BLANKS))


def _written(value: float, text: str) -> str:
    return text if value != value else np.format_float_positional(value, trim="-")


# --- into the database --------------------------------------------------------------------------------------


def load(
    conn: db.Connection,
    source: str,
    spec: FileSpec,
    path: Path,
    settings: Settings,
    progress: Callable[[str], None],
) -> Read:
    """Make the table of a source out of a file, within the transaction of `conn`.

    Raises
    ------
    SourceError
    """
    opened = read(spec, path, settings, progress)
    name = sql.Identifier(source, spec.table)
    columns = sql.SQL(", ").join(
        sql.SQL(f"{{}} {KINDS[column.type]}").format(sql.Identifier(n)) for n, column in spec.columns.items()
    )
    create = "create schema if not exists {}; drop table if exists {}; create table {} (file_row bigint, {})"
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL(create).format(sql.Identifier(source), name, name, columns))
    parts: dict[str, copying.Part] = {"file_row": copying.whole(np.arange(1, opened.content.rows + 1))}
    for column in spec.columns:
        of = opened.content.columns[column]
        parts[column] = (
            copying.moments(opened.moments[column]) if column in opened.moments else copying.texts(of)
        )
    copying.copy(conn, (source, spec.table), opened.content.rows, parts)
    with conn.cursor() as cursor:
        for column in opened.moments:
            cursor.execute(sql.SQL("create index on {} ({})").format(name, sql.Identifier(column)))
        cursor.execute(sql.SQL("analyze {}").format(name))
    return opened
