"""The least that any shop can export: one file of transactions, whatever its columns are called.

The file is read as a whole, its columns held by their distinct values, and how it is written is decided on
the whole of each column (`reading`). What was found out is said; what cannot be found out is refused with the
setting that decides. The lines then go into the shop database as values, and Postgres puts them into orders.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from segmentation.language.texts import fact
from segmentation.settings import Settings
from segmentation.sources.transactions import copying, counts, history, reading
from segmentation.sources.transactions.dates import UNREADABLE
from segmentation.sources.transactions.lines import Reading
from segmentation.warehouse import db

PARSED = ("transactions", "parsed")
READER = 6  # another number reads files again that an older version has read


@dataclass(frozen=True)
class Loaded:
    """Outcome of reading a file."""

    rows: int
    last_day: date | None
    notes: list[str]
    lacks: list[str]


def fingerprint(settings: Settings) -> str:
    """Settings that the rows of a file depend on besides its bytes; a change reads the file again."""
    meaning = settings.file.model_dump(mode="json", exclude={"append", "shrink"})
    values = {**meaning, "timezone": settings.shop.timezone, "reader": READER}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:8]


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
    reading_ = reading.read(path, settings, progress)
    figures = counts.of(reading_)
    show(reading_, figures)
    before = history.extent(conn, zone)
    is_kept = settings.file.append and history.keep(conn)
    _lines(conn, reading_, zone)
    notes = [*reading_.notes, *figures.warnings]
    if is_kept:
        notes.append(
            fact(
                "lines of days that the file does not show, kept from before: {lines:,}",
                lines=history.join(conn, zone),
            )
        )
    elif not settings.file.shrink:
        history.refuse_smaller(path, before, history.extent(conn, zone), _name_before(conn))
    for column in ("placed_at", "order_id"):
        db.execute(conn, f"create index on transactions.lines ({column})")
    db.execute(conn, "analyze transactions.lines; drop table transactions.parsed")
    row = db.one(conn, db.statement("transactions/loaded.sql"), {"timezone": zone})
    return Loaded(row["rows"], row["last_day"], notes, reading_.lacks)


def _lines(conn: db.Connection, reading_: Reading, zone: str) -> None:
    """Put the lines into their orders."""
    db.run_file(conn, "transactions/parsed.sql")
    _copy(conn, reading_)
    params = {
        "day_only": reading_.is_day_only,
        "timezone": zone,
        "has_product": "product_id" in reading_.content.places,
        "share": reading_.is_share,
        "priced": reading_.is_priced,
    }
    db.run_file(conn, "transactions/lines.sql", params)


def _name_before(conn: db.Connection) -> str | None:
    """The name of the file that was loaded last."""
    if db.scalar(conn, "select to_regclass('files.landed')") is None:
        return None
    row = db.row(conn, "select file_name from files.landed where source = 'transactions'")
    return row["file_name"] if row else None


# --- into the database --------------------------------------------------------------------------------------


def _copy(conn: db.Connection, reading_: Reading) -> None:
    """COPY the lines as values; lines that are no rows have nothing but their number."""
    import pyarrow as pa

    copying.copy(conn, PARSED, reading_.content.rows, _columns(reading_))
    if reading_.content.invalid:
        lines = [line for line, _ in reading_.content.invalid]
        copying.copy_table(conn, PARSED, pa.table({"line": lines, "is_unreadable": [True] * len(lines)}))


def _columns(reading_: Reading) -> dict[str, copying.Part]:
    """Description of how each column of some lines is made."""
    lines = reading_.lines
    return {
        "line": copying.whole(lines.line),
        "is_unreadable": copying.whole(~reading_.is_dated),
        "instant": copying.instants(np.where(reading_.is_dated, counts.placed_at(reading_), UNREADABLE)),
        "customer_id": copying.texts(lines.customers),
        **{
            name: copying.texts(column)
            for name, column in (
                ("order_number", lines.orders),
                ("product_id", lines.products),
                ("product_name", lines.names),
                ("category", lines.categories),
            )
            if column is not None
        },
        "pieces": copying.numbers(lines.pieces),
        "paid": copying.numbers(lines.paid),
        "price": copying.numbers(lines.price),
        "reduction": copying.numbers(lines.reduction),
        "is_out": copying.whole(lines.is_out),
        **({"currency": copying.objects(lines.currency)} if lines.currency is not None else {}),
        **({"cancelled_at": copying.instants(lines.cancelled_at)} if lines.cancelled_at is not None else {}),
    }
