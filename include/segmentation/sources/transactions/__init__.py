"""The least that any shop can export: one file of transactions, whatever its columns are called.

The file is read as a whole, its columns held by their distinct values, and how it is written is decided on
the whole of each column (`reading`). What was found out is said; what cannot be found out is refused with the
setting that decides. The lines then go into the shop database as values, and Postgres puts them into orders.
"""

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg2 import sql

from segmentation.settings import Settings
from segmentation.sources.transactions import counts, history, reading
from segmentation.sources.transactions.coded import Coded
from segmentation.sources.transactions.dates import UNREADABLE
from segmentation.sources.transactions.lines import Reading
from segmentation.warehouse import db

if TYPE_CHECKING:
    import pyarrow as pa

PARSED = ("transactions", "parsed")
READER = 2  # another number reads files again that an older version has read
CHUNK_ROWS = 250_000


@dataclass(frozen=True)
class Loaded:
    """Outcome of reading a file."""

    rows: int
    last_day: date | None
    said: list[str]
    lacks: list[str]


def fingerprint(settings: Settings) -> str:
    """Settings that the rows of a file depend on besides its bytes; a change reads the file again."""
    meaning = settings.file.model_dump(mode="json", exclude={"append", "shrink"})
    told = {**meaning, "timezone": settings.shop.timezone, "reader": READER}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:8]


def load(
    conn: db.Connection,
    path: Path,
    settings: Settings,
    progress: Callable[[str], None],
    show: Callable[[Reading, counts.Counts], None] = lambda *_: None,
) -> Loaded:
    """Make `transactions.lines` out of a file, within the transaction of `conn`.

    `show` is called with what was read before anything is written.

    Raises
    ------
    SettingsError, SourceError
        What in COLUMNS or in the file cannot be used: the file, the line, and what to do.
    """
    zone = settings.shop.timezone
    found = reading.read(path, settings, progress)
    figures = counts.of(found)
    show(found, figures)
    before = history.extent(conn, zone)
    is_kept = settings.file.append and history.keep(conn)
    _lines(conn, found, zone)
    said = [*found.said, *figures.warnings]
    if is_kept:
        said.append(
            f"lines of days that the file does not show, kept from before: {history.join(conn, zone):,}"
        )
    elif not settings.file.shrink:
        history.refuse_smaller(path, before, history.extent(conn, zone), _name_before(conn))
    for column in ("placed_at", "order_id"):
        db.execute(conn, f"create index on transactions.lines ({column})")
    db.execute(conn, "analyze transactions.lines; drop table transactions.parsed")
    row = db.one(conn, db.statement("transactions/loaded.sql"), {"timezone": zone})
    return Loaded(row["rows"], row["last_day"], said, found.lacks)


def _lines(conn: db.Connection, found: Reading, zone: str) -> None:
    """Put the lines into their orders."""
    db.run_file(conn, "transactions/parsed.sql")
    _copy(conn, found)
    params = {
        "day_only": found.is_day_only,
        "timezone": zone,
        "has_product": "product_id" in found.content.places,
        "share": found.is_share,
        "priced": found.is_priced,
    }
    db.run_file(conn, "transactions/lines.sql", params)


def _name_before(conn: db.Connection) -> str | None:
    """The name of the file that was loaded last."""
    if db.scalar(conn, "select to_regclass('files.landed')") is None:
        return None
    row = db.row(conn, "select file_name from files.landed where source = 'transactions'")
    return row["file_name"] if row else None


# --- into the database --------------------------------------------------------------------------------------


def _copy(conn: db.Connection, found: Reading) -> None:
    """COPY the lines as values, some at a time; lines that are no rows have nothing but their number."""
    import pyarrow as pa

    columns = _columns(found)
    for start in range(0, found.content.rows, CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        _copy_table(conn, pa.table({name: make(part) for name, make in columns.items()}))
    if found.content.invalid:
        lines = [line for line, _ in found.content.invalid]
        _copy_table(conn, pa.table({"line": lines, "is_unreadable": [True] * len(lines)}))


def _columns(found: Reading) -> dict[str, Callable[[slice], "pa.Array"]]:
    """Description of how each column of some lines is made."""
    lines = found.lines
    return {
        "line": _whole(lines.line),
        "is_unreadable": _whole(~found.is_dated),
        "instant": _instants(np.where(found.is_dated, counts.placed_at(found), UNREADABLE)),
        "customer_id": _texts(lines.customers),
        **{
            name: _texts(column)
            for name, column in (
                ("order_number", lines.orders),
                ("product_id", lines.products),
                ("category", lines.categories),
            )
            if column is not None
        },
        "pieces": _numbers(lines.pieces),
        "paid": _numbers(lines.paid),
        "price": _numbers(lines.price),
        "reduction": _numbers(lines.reduction),
        "is_out": _whole(lines.is_out),
        **({"currency": _objects(lines.currency)} if lines.currency is not None else {}),
        **({"cancelled_at": _instants(lines.cancelled_at)} if lines.cancelled_at is not None else {}),
    }


def _whole(values: np.ndarray) -> Callable[[slice], Any]:
    import pyarrow as pa

    return lambda part: pa.array(values[part])


def _numbers(values: np.ndarray) -> Callable[[slice], Any]:
    import pyarrow as pa

    return lambda part: pa.array(values[part], mask=np.isnan(values[part]))


def _instants(values: np.ndarray) -> Callable[[slice], Any]:
    import pyarrow as pa

    def make(part: slice) -> Any:
        moments = pa.array(values[part], pa.int64(), mask=values[part] == UNREADABLE)
        return moments.cast(pa.timestamp("us", "UTC"))

    return make


def _texts(column: Coded) -> Callable[[slice], Any]:
    return lambda part: Coded(column.codes[part], column.values).column()


def _objects(values: np.ndarray) -> Callable[[slice], Any]:
    import pyarrow as pa

    return lambda part: pa.array(values[part], pa.string())


def _copy_table(conn: db.Connection, table: "pa.Table") -> None:
    from pyarrow import csv

    buffer = io.BytesIO()
    csv.write_csv(table, buffer, csv.WriteOptions(include_header=False))
    buffer.seek(0)
    into = sql.SQL("copy {} ({}) from stdin (format csv)").format(
        sql.Identifier(*PARSED), sql.SQL(", ").join(map(sql.Identifier, table.column_names))
    )
    with conn.cursor() as cursor:
        cursor.copy_expert(into.as_string(conn), buffer, size=1 << 20)
