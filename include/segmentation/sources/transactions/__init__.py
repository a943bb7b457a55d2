"""The least that any shop can export: one file of transactions, whatever its columns are called.

The file is read once, in constant memory, into the shop database as text; while it passes, every value is
looked at (`evidence`). Then it is known how dates and numbers are written, and Postgres reads them. What was
found out is said; what cannot be found out is refused with the setting that decides.
"""

import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from segmentation.errors import SourceError
from segmentation.settings import Settings
from segmentation.sources.transactions import tables, textfile
from segmentation.sources.transactions.columns import OPTIONAL, Wish, currency_of
from segmentation.sources.transactions.evidence import Evidence
from segmentation.warehouse import db

if TYPE_CHECKING:
    import pyarrow as pa

RAW = ("transactions", "raw")
EXAMPLES = 3  # unreadable lines that are named
UNREAD = 8  # columns without a use that are named
CLOCKS = {
    "epoch": "seconds since 1970",
    "epoch_ms": "milliseconds since 1970",
    "serial": "days since 1900 (Excel)",
}
ORDERS = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}

Batches = Iterator["tuple[pa.Table, list[tuple[int, str]]]"]


@dataclass
class Found:
    """A file opened: how it is written in words, the columns' names and places, and its rows."""

    words: str
    names: list[str]
    places: dict[str, int]
    batches: Batches
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Loaded:
    """What came of a file."""

    rows: int
    last_day: date | None
    said: list[str]
    lacks: list[str]


def fingerprint(settings: Settings) -> str:
    """What besides the bytes of the file its rows depend on: a change of it reads the file again."""
    told = {**settings.file.model_dump(mode="json"), "timezone": settings.shop.timezone}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:8]


def load(conn: db.Connection, path: Path, settings: Settings, progress: Callable[[str], None]) -> Loaded:
    """Make `transactions.lines` out of a file, within the transaction of `conn`.

    Raises
    ------
    SettingsError, SourceError
        What in COLUMNS or in the file cannot be used: the file, the line, and what to do.
    """
    wish = Wish.parse(settings.file.columns)
    found = _open(path, settings, wish)
    evidence = Evidence(settings.file)
    db.run_file(conn, "transactions/raw.sql")
    rows, unreadable = _copy(conn, path, found, evidence, progress)
    if not rows:
        first = db.row(conn, "select line, problem from transactions.raw order by line limit 1")
        told = f" (line {first['line']}: {first['problem']})" if first else ""
        raise SourceError(f"{path.name}: there is no line of data in it that can be read{told}")
    written = _parse(conn, path, settings, evidence)
    share = _judge(conn, path, settings, found, rows + unreadable)
    facts = _lines(conn, settings, evidence, found)
    said = [found.words, _columns(found, wish), *found.notes, *written, *facts.said, *share]
    return Loaded(facts.rows, facts.last_day, said, facts.lacks)


# --- reading -----------------------------------------------------------------------------------------------


def _open(path: Path, settings: Settings, wish: Wish) -> Found:
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PAR1"):
        names, places = tables.parquet_columns(path, wish)
        batches = tables.parquet_batches(path, places, settings.shop.timezone)
        return Found("Parquet", names, places, ((batch, []) for batch in batches))
    is_zip = start.startswith(b"PK\3\4")
    if start.startswith(b"\xd0\xcf\x11\xe0") or (is_zip and not textfile.is_archive(path)):
        sheets, others = tables.sheets(path, wish)
        words = f"a workbook, {'sheet' if len(sheets) == 1 else 'sheets'} {_listed(s.name for s in sheets)}"
        notes = [f"left out, for it has not these columns: sheet {_listed(others)}"] if others else []
        batches = tables.sheet_batches(sheets)
        return Found(words, sheets[0].names, sheets[0].places, ((batch, []) for batch in batches), notes)
    layout = textfile.read_layout(path, settings.file, wish)
    header = f"header in line {layout.skip}" if layout.has_header else "no header"
    between = textfile.TELL.get(layout.delimiter, layout.delimiter)
    encoding = textfile.NAMES.get(layout.encoding, layout.encoding.upper())
    notes = []
    if layout.broken_line:
        notes.append(f"bytes that are not {encoding} were replaced, first in line {layout.broken_line}")
    return Found(
        f"{encoding} text, {between} between the columns, {header}",
        layout.names,
        layout.places,
        textfile.batches(path, layout),
        notes,
    )


def _listed(names: Any) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _copy(
    conn: db.Connection, path: Path, found: Found, evidence: Evidence, progress: Callable[[str], None]
) -> tuple[int, int]:
    """COPY the rows as text, batch by batch; returns the rows, and the lines that are no rows."""
    import pyarrow as pa

    if "amount" in found.places:  # a price beside it says nothing more
        found.places.pop("unit_price", None)
    rows = bad = 0
    for batch, unreadable in found.batches:
        batch = batch.select(["line", *found.places])
        _copy_table(conn, evidence.read(batch))
        if unreadable:
            lines, problems = zip(*unreadable, strict=True)
            _copy_table(conn, pa.table({"line": lines, "problem": problems}))
        rows, bad = rows + len(batch), bad + len(unreadable)
        progress(f"load {path.name}: {rows:,} rows")
    return rows, bad


def _copy_table(conn: db.Connection, table: "pa.Table") -> None:
    from pyarrow import csv

    buffer = io.BytesIO()
    csv.write_csv(table, buffer, csv.WriteOptions(include_header=False))
    buffer.seek(0)
    into = sql.SQL("copy {} ({}) from stdin (format csv)").format(
        sql.Identifier(*RAW), sql.SQL(", ").join(map(sql.Identifier, table.column_names))
    )
    with conn.cursor() as cursor:
        cursor.copy_expert(into.as_string(conn), buffer, size=1 << 20)


# --- deciding ----------------------------------------------------------------------------------------------


def _parse(conn: db.Connection, path: Path, settings: Settings, evidence: Evidence) -> list[str]:
    """Make `transactions.parsed`; returns how dates and numbers are written, in words."""
    clock, decimal = evidence.dates.clock(), evidence.numbers.decimal(path.name)
    order, why = evidence.dates.order(path.name) if clock == "text" else ("ymd", "")
    db.execute(
        conn,
        "select set_config('timezone', %(tz)s, true), set_config('datestyle', %(style)s, true)",
        {"tz": settings.shop.timezone, "style": f"ISO, {order.upper()}"},
    )
    db.run_file(conn, "transactions/number.sql")
    db.run_file(conn, f"transactions/is_instant{'_16' if conn.server_version >= 160000 else ''}.sql")
    params = {"clock": clock, "decimal": decimal, "timezone": settings.shop.timezone}
    db.run_file(conn, "transactions/parsed.sql", params)
    dates = CLOCKS.get(clock) or ORDERS[order] + (f" ({why})" if why else "")
    mark = {".": "point", ",": "comma"}[decimal]
    return [f"dates are {dates}", f"numbers have a decimal {mark}"]


def _judge(conn: db.Connection, path: Path, settings: Settings, found: Found, total: int) -> list[str]:
    """Refuse a file of which too much cannot be read; returns what is said of the rest."""
    bad = db.row(conn, "select count(*) as lines from transactions.parsed where problem is not null")["lines"]
    if not bad:
        return []
    examples = db.rows(
        conn,
        "select line, problem from transactions.parsed where problem is not null "
        "order by line limit %(most)s",
        {"most": EXAMPLES},
    )
    told = "; ".join(f"line {row['line']}: {_masked(row['problem'])}" for row in examples)
    counted = f"{bad:,} of {total:,} lines cannot be read"
    if bad > settings.file.max_unreadable_share * total:
        raise SourceError(
            f"{path.name}: {counted} ({told}); is COLUMNS right ({_pairs(found)})? More than "
            f"{settings.file.max_unreadable_share:.0%} is too much to go on with (file.max_unreadable_share)"
        )
    return [f"{counted}, quarantined: {told}"]


def _masked(problem: str) -> str:
    """What is wrong with a value, whose letters are not shown: in a wrong column they may be anybody's."""
    what, _, value = problem.partition(": ")
    if not value:
        return what
    masked = re.sub(r"[^\W\d_]", "x", value)[:40]
    return f"'{masked}' {what}"


def _pairs(found: Found) -> str:
    return ", ".join(f"{role}={found.names[place].strip()}" for role, place in found.places.items())


def _columns(found: Found, wish: Wish) -> str:
    told = f"columns{'' if wish.columns else ', guessed from their names'}: {_pairs(found)}"
    left = [name.strip() for place, name in enumerate(found.names) if place not in found.places.values()]
    if not left or wish.is_by_position:
        return told
    return f"{told}; not read: {', '.join(left[:UNREAD])}{' and more' if len(left) > UNREAD else ''}"


def _money(found: Found) -> str:
    """The name of the column of amounts."""
    return found.names[found.places["amount" if "amount" in found.places else "unit_price"]]


def _lines(conn: db.Connection, settings: Settings, evidence: Evidence, found: Found) -> Loaded:
    """Make `transactions.lines`; returns what it has, and which features cannot be had of it."""
    seen = db.row(
        conn,
        """
        select
            coalesce(bool_and(written::time = '00:00'), false) as day_only,
            coalesce(max(reduction) <= 1 and bool_or(reduction > 0 and reduction < 1), false) as is_share,
            count(*) filter (where is_unreadable and problem is null) as undated
        from transactions.parsed
        """,
    )
    percent = evidence.numbers.percents > 0
    share = "discount" in found.places and (percent or seen["is_share"])
    currency = settings.file.currency or evidence.numbers.currency()
    if currency is None and not evidence.numbers.currencies:
        currency = currency_of(_money(found))
    params = {
        "day_only": seen["day_only"],
        "timezone": settings.shop.timezone,
        "has_product": "product_id" in found.places,
        "share": share,
        "percent": percent,
        "priced": "amount" not in found.places,
        "currency": currency,
    }
    db.run_file(conn, "transactions/lines.sql", params)
    for column in ("placed_at", "order_id"):
        db.execute(conn, f"create index on transactions.lines ({column})")
    db.execute(conn, "analyze transactions.lines; drop table transactions.raw")
    counted = db.row(
        conn,
        """
        select
            count(*) as rows,
            max((placed_at at time zone %(timezone)s)::date) filter (where placed_at <= now()) as last_day,
            count(*) filter (where placed_at > now()) as later,
            count(*) filter (where customer_id is null and not is_unreadable) as anonymous
        from transactions.lines
        """,
        params,
    )
    said = _said(found, seen, share, currency, counted)
    lacks = {name for name in OPTIONAL if name not in found.places} - {"time_of_day"}
    lacks |= {"status", *(["time_of_day"] if seen["day_only"] else [])}
    return Loaded(counted["rows"], counted["last_day"], said, sorted(lacks))


def _said(
    found: Found, seen: dict[str, Any], share: bool, currency: str | None, counted: dict[str, Any]
) -> list[str]:
    said, day_only = [], seen["day_only"]
    if day_only:
        said.append("days without a time of day, so habits by the hour are no features")
    if "order_id" not in found.places:
        said.append(f"no order number: one order per customer and {'day' if day_only else 'instant'}")
    if share:
        said.append("discounts are shares of the price")
    if currency:
        said.append(f"amounts are in {currency}")
    elif "currency" not in found.places:
        said.append("no currency is named, so amounts stand without one (CURRENCY=EUR names it)")
    for lines, what in (
        (counted["anonymous"], "without a customer, quarantined"),
        (seen["undated"], "without a date, quarantined"),
        (counted["later"], "dated after today"),
    ):
        if lines:
            said.append(f"lines {what}: {lines:,}")
    return said
