"""The roll-up: what each customer did on each day, of the clean facts.

Checkpoints after a changed day are brought up to date in the same transaction: see `checkpoints` and
docs/adr/0007-checkpoints.md.
"""

from datetime import date, timedelta
from functools import partial
from itertools import pairwise

from segmentation.features import history
from segmentation.features.checkpoints import _forget_all, _make_again
from segmentation.runs import stale
from segmentation.runs.night import Night
from segmentation.warehouse import beside, db, keys, locks, partitions

BY_MONTH = ("customer_day", "customer_product_day")
LINES = "core.order_items"
TOGETHER = 60_000  # lines that are grouped and joined at once: so few stay in the processor's memory
FACTS = ("orders", "events", "reviews")
PARTS = {
    "order_sums": "rolled_orders",
    "cancelled_sums": "rolled_cancelled",
    "product_lines": "rolled_products",
    "day_sums": "rolled_days",
    "without_purchase": "rolled_without_purchase",
}
APART = ("customer_day_cancelled", "order_without_purchase")  # not partitioned, and small
TABLES = tuple(f"features.{name}" for name in (*BY_MONTH, *APART))
Window = dict[str, date | None]


def roll_up(night: Night, first: date | None, end: date) -> int:
    """Rebuild the roll-up of the days from `first` (None: all) to before `end`; only what differs is written.

    This ends the ingestion of these days. The watermark moves here: after a run that fails earlier, the next
    one reads the days again. Returns the customer days of the window.
    """
    with night.warehouse.connect() as conn:
        locks.hold(conn, locks.DAYS)
        _drop_staged(night)  # of a load that was killed
        rows = _load(conn, night, first, end)
        if rows is None:
            rows = _write(conn, {"first": first, "end": end})
            stale.note(conn, night, first, end)
        if first is None:
            _forget_all(conn)
            history.forget(conn)
        else:
            _make_again(conn)
            history.make_again(conn)
        db.run_file(conn, "staging/watermarks.sql", night.params)
    return rows


def identifiers() -> dict[str, str]:
    """Parts that the files of the roll-up include."""
    return {name: db.statement(f"features/{file}.sql") for name, file in PARTS.items()}


def _write(conn: db.Connection, days: Window) -> int:
    """Write the customer days of the window; returns how many there are."""
    for month in _months(conn, days):
        for parent in BY_MONTH:
            partitions.make_month(conn, "features", parent, month)
    db.run_file(conn, "features/customer_day.sql", days, **identifiers())
    return db.scalar(conn, "select count(*) from fresh_days")


def _load(conn: db.Connection, night: Night, first: date | None, end: date) -> int | None:
    """Fill the tables with all history; returns the customer days, or None where this is not so, or they have rows.

    Months are made apart, side by side, with their keys, and attached in this transaction: what is grouped, joined
    and sorted of one month stays in the server's memory. Those of a killed load go with the next one.
    """
    if first is not None or not beside.are_many(conn, LINES) or not keys.are_empty(conn, TABLES):
        return None
    days: Window = {"first": first, "end": end}
    months = _months(conn, days)
    rows: list[int] = []
    parts = [partial(_stage, month=month, end=until, rows=rows) for month, until in pairwise([*months, end])]
    try:
        beside.run(night.warehouse, parts, lambda: stale.note(conn, night, first, end))
    except BaseException:
        _drop_staged(night)
        raise
    if not keys.are_free(conn, *TABLES):  # whoever reads them keeps them
        _drop_staged(night)
        return _write(conn, days)
    with keys.after(conn, [f"features.{table}" for table in APART]):
        for month in months:
            for parent in BY_MONTH:
                partitions.attach_month(conn, "features", parent, month)
            for table in APART:
                staged = _staged(table, month)
                db.execute(conn, f"insert into features.{table} select * from {staged}; drop table {staged}")
    return sum(rows)


def _stage(conn: db.Connection, month: date, end: date, rows: list[int]) -> None:
    """Fill the tables of a month, which are to be its partitions or a part of the others; notes the customer days."""
    names = {parent: partitions.stage_month(conn, "features", parent, month) for parent in BY_MONTH}
    for table in APART:
        names[table] = _staged(table, month)
        db.execute(conn, f"create table {names[table]} (like features.{table})")
    db.execute(conn, "create temp table fresh_days (like features.customer_day) on commit drop")
    with keys.after(conn, list(names.values())):
        for first, until in pairwise(_parts(conn, month, end)):
            window = {"first": first, "end": until}
            db.run_file(conn, "features/customer_day_first.sql", window, **names, **identifiers())
        # the rows of a customer of a month are neighbours
        ordered = "select * from fresh_days order by customer_id, day"
        rows.append(db.execute(conn, f"insert into {names['customer_day']} {ordered}"))


def _parts(conn: db.Connection, month: date, end: date) -> list[date]:
    """The days at which a month is cut, its first and its end among them, so that a part has about `TOGETHER` lines."""
    query = "select reltuples from pg_class where oid = %(lines)s::regclass"
    span = "select max(day) - min(day) + 1 as days from core.order_items"
    lines_a_day = db.scalar(conn, query, {"lines": LINES}) / db.scalar(conn, span)
    days = max(int(TOGETHER / max(lines_a_day, 1)), 1)
    return [*(month + timedelta(days=n) for n in range(0, (end - month).days, days)), end]


def _staged(table: str, month: date) -> str:
    return f"{partitions.STAGING}.{partitions.month_name(table, month)}"


def _drop_staged(night: Night) -> None:
    """Drop what was made apart and not attached, at once: who makes it again would wait for an open transaction."""
    query = """
        select format('%%I.%%I', schemaname, tablename) as name from pg_tables
        where schemaname = %(schema)s and tablename ~ %(name)s
        order by name
    """
    name = f"^({'|'.join((*BY_MONTH, *APART))})_[0-9]{{6}}$"
    with night.warehouse.connect() as conn:
        for table in db.rows(conn, query, {"schema": partitions.STAGING, "name": name}):
            db.execute(conn, f"drop table {table['name']}")


def _months(conn: db.Connection, days: Window) -> list[date]:
    """The months that have facts in the window, the first one first."""
    months: set[date] = set()
    for table in FACTS:
        months |= {  # any order: they are a set
            row["month"] for row in db.rows(conn, db.statement("core/months.sql", table=table), days)
        }
    return sorted(months)
