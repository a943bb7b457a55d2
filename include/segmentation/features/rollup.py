"""The roll-up by day, and the dates from which a night goes on instead of reading the history.

`features.customer_cumulative` has what all days before the start of a month add up to,
`features.customer_mix` what the products of the 365 days before a date are a mix of, and
`features.customer_recent` what the 180 days before it add up to; `features.anchors` says at which dates they
stand. They are made when a date first needs them, from the one before, and whatever changes an earlier day (a
late row, a correction) makes them again for the customers it changed: at every commit an anchor is what a
full computation of its date would be. Any date can be computed from the anchors before it, or from none.
See docs/adr/0007-anchors.md.
"""

from datetime import date

from segmentation.features.checkpoints import _forget_all, _make_again
from segmentation.runs import stale
from segmentation.runs.night import Night
from segmentation.warehouse import db, partitions
from segmentation.warehouse.locks import DAYS_LOCK

BY_MONTH = ("customer_day", "customer_product_day")
FACTS = ("orders", "events", "reviews")


def roll_up(night: Night, first: date | None, end: date) -> int:
    """Rebuild the roll-up of the days from `first` (None: all) to before `end`; only what differs is written.

    This ends the ingestion of these days: only now does the watermark move, so that a run that fails before
    leaves the next one to read them again. Returns the customer days of the window.
    """
    days = {"first": first, "end": end}
    with night.warehouse.connect() as conn:
        db.lock(conn, DAYS_LOCK)
        _make_months(conn, days)
        db.run_file(conn, "features/customer_day.sql", days)
        rows = db.scalar(conn, "select count(*) from fresh_days")
        if first is None:
            _forget_all(conn)
        else:
            _make_again(conn)
        stale.note(conn, night, first, end)
        db.run_file(conn, "staging/watermarks.sql", night.params)
    return rows


# ---------------------------------------------------------------------------------------- partitions


def _make_months(conn: db.Connection, days: dict[str, date | None]) -> None:
    """Give each month that has facts in the window its partitions."""
    found: set[date] = set()
    for table in FACTS:
        found |= {  # any order: they are a set
            row["month"] for row in db.rows(conn, db.statement("features/months.sql", table=table), days)
        }
    for month in sorted(found):
        for parent in BY_MONTH:
            partitions.make_month(conn, "features", parent, month)


# ---------------------------------------------------------------------------------------- month starts


# ------------------------------------------------------------------------------------ windows, in slots


# ---------------------------------------------------------------------------------- what changed since
