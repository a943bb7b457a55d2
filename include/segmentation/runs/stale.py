"""Published dates that late rows change: noted when days are loaded, listed in `segments.stale_dates`.

A day that is read again (the look-back, a repair, a new file) is compared with what it was, by a checksum of
the facts that features may read. Only a change is noted, and a date is stale when a fact before it changed
after its features were built, or when the date that it follows was published again or is another one now.
"""

from dataclasses import dataclass
from datetime import date, datetime

from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.warehouse import db


@dataclass(frozen=True)
class Stale:
    """A published date that would come out differently."""

    as_of_date: date
    why: str
    since: datetime


def note(conn: db.Connection, night: Night, first: date | None, end: date) -> None:
    """Note which of the days from `first` (None: all) to before `end` have changed since they were loaded.

    Part of the transaction that rolls them up, under its lock, before the watermark moves.
    """
    known_before = db.scalar(conn, "select min(loaded_before) from staging.watermarks")
    params = {**night.params, "first": first, "end": end, "known_before": known_before}
    measure = db.statement("core/day_checksums.sql")
    db.execute(conn, f"create temp table measured_days on commit drop as {measure}", params)
    db.run_file(conn, "core/changed_days.sql", params)


def see(night: Night) -> None:
    """Remember which changes the features of the run can know; called before they are built."""
    with night.warehouse.connect(readonly=True) as conn:
        newest = db.scalar(conn, "select coalesce(max(change_id), 0) from core.changed_days")
    register.note(night, facts_seen=newest)


def dates(conn: db.Connection) -> list[Stale]:
    """The stale dates, the oldest first: in the order in which they are run again."""
    return [Stale(**row) for row in db.rows(conn, "select * from segments.stale_dates order by as_of_date")]
