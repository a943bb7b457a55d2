"""The roll-up: what each customer did on each day, of the clean facts.

Checkpoints after a changed day are brought up to date in the same transaction: see `checkpoints` and
docs/adr/0007-checkpoints.md.
"""

from datetime import date
from itertools import pairwise
from typing import Any

from segmentation.features import history
from segmentation.features.checkpoints import _forget_all, _make_again
from segmentation.runs import stale
from segmentation.runs.night import Night
from segmentation.warehouse import db, keys, locks, partitions

BY_MONTH = ("customer_day", "customer_product_day")
FACTS = ("orders", "events", "reviews")
PARTS = {
    "order_sums": "rolled_orders",
    "cancelled_sums": "rolled_cancelled",
    "product_lines": "rolled_products",
    "day_sums": "rolled_days",
    "without_purchase": "rolled_without_purchase",
}
MANY = 100_000  # order lines from which on the keys of all partitions cost less afterwards
TABLES = tuple(
    f"features.{name}"
    for name in ("customer_day", "customer_product_day", "customer_day_cancelled", "order_without_purchase")
)


def roll_up(night: Night, first: date | None, end: date) -> int:
    """Rebuild the roll-up of the days from `first` (None: all) to before `end`; only what differs is written.

    This ends the ingestion of these days. The watermark moves here: after a run that fails earlier, the next
    one reads the days again. Returns the customer days of the window.
    """
    days = {"first": first, "end": end}
    with night.warehouse.connect() as conn:
        locks.hold(conn, locks.DAYS)
        months = _make_months(conn, days)
        rows = _write(conn, days, months)
        if first is None:
            _forget_all(conn)
            history.forget(conn)
        else:
            _make_again(conn)
            history.make_again(conn)
        stale.note(conn, night, first, end)
        db.run_file(conn, "staging/watermarks.sql", night.params)
    return rows


def identifiers() -> dict[str, str]:
    """Parts that the files of the roll-up include."""
    return {name: db.statement(f"features/{file}.sql") for name, file in PARTS.items()}


def _write(conn: db.Connection, days: dict[str, Any], months: list[date]) -> int:
    """Write the customer days of the window; returns how many there are.

    All history goes month by month: what the server groups and joins of one month stays in its memory.
    """
    if days["first"] is None and _are_many(conn) and keys.are_free(conn, *TABLES):
        with keys.after(conn, TABLES):
            for first, end in pairwise([*months, days["end"]]):
                window = {"first": first, "end": end}
                db.run_file(conn, "features/customer_day_first.sql", window, **identifiers())
        return db.scalar(conn, "select count(*) from features.customer_day")
    db.run_file(conn, "features/customer_day.sql", days, **identifiers())
    return db.scalar(conn, "select count(*) from fresh_days")


def _are_many(conn: db.Connection) -> bool:
    query = "select count(*) = %(many)s from (select from core.order_items limit %(many)s) as lines"
    return db.scalar(conn, query, {"many": MANY})


# ---------------------------------------------------------------------------------------- partitions


def _make_months(conn: db.Connection, days: dict[str, date | None]) -> list[date]:
    """Give each month that has facts in the window its partitions; returns these months, the first one first."""
    months: set[date] = set()
    for table in FACTS:
        months |= {  # any order: they are a set
            row["month"] for row in db.rows(conn, db.statement("core/months.sql", table=table), days)
        }
    for month in sorted(months):
        for parent in BY_MONTH:
            partitions.make_month(conn, "features", parent, month)
    return sorted(months)


# ---------------------------------------------------------------------------------- what changed since
