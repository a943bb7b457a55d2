"""Intervals of who was in which segment, kept equal to the published dates by writing what changed.

What a publication says of a date D holds until the next date N that membership knows. So a date that is new,
one that is run again and one that is filled in late are the same thing: of the days from D to before N, who
should be where, and who is there. A withdrawn date is as the day before it. The customers that differ are few,
and only their intervals are cut, put in, and joined where they meet in the same segment.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from segmentation.runs import register
from segmentation.warehouse import db, locks, partitions

FOREVER = "infinity"
DAY_BEFORE = "valid_from < %(as_of_date)s and valid_to >= %(as_of_date)s"
JOINING_MEMORY = "256MB"
"""Memory of one join of everybody with everybody; a publication has one such statement at a time."""


def publish(conn: db.Connection, day: date, run_id: str) -> int:
    """Take in the published assignments of a date; returns the customers whose intervals were written.

    Part of the transaction that publishes the date, under its lock.
    """
    return _assign(conn, day, run_id, f"segments.{partitions.name('customer_segments', day)}", "true")


def withdraw(conn: db.Connection, day: date) -> int:
    """Let the days of a withdrawn date be as the day before it; returns the customers that this changed."""
    params = {"day": day}
    query = "select run_id from segments.membership_dates where as_of_date = %(day)s and is_published"
    run_id = db.scalar(conn, query, params)
    if run_id is None:
        return 0
    return _assign(conn, day, run_id, "segments.membership", DAY_BEFORE, is_published=False)


def _assign(
    conn: db.Connection, day: date, run_id: str, source: str, condition: str, *, is_published: bool = True
) -> int:
    neighbours = db.one(
        conn, db.statement("applications/membership/neighbouring_dates.sql"), {"as_of_date": day}
    )
    params: dict[str, Any] = {"as_of_date": day, "next_date": neighbours["next_date"] or FOREVER}
    db.execute(conn, f"set local work_mem = '{JOINING_MEMORY}'")
    changed = db.run_file(
        conn, "applications/membership/changed.sql", params, source=source, condition=condition
    )
    if changed:
        db.run_file(conn, "applications/membership/pieces.sql", params)
        db.run_file(conn, "applications/membership/membership.sql", params)
    _count(conn, day, run_id, is_published=is_published)
    if changed and neighbours["next_date"]:
        query = "select run_id from segments.membership_dates where as_of_date = %(next_date)s"
        _count(conn, neighbours["next_date"], db.scalar(conn, query, params), is_published=True)
    return changed


def _count(conn: db.Connection, day: date, run_id: str, *, is_published: bool) -> None:
    params = {"as_of_date": day, "run_id": run_id, "is_published": is_published}
    db.run_file(conn, "applications/membership/membership_dates.sql", params)


def catch_up(
    warehouse: db.Database, keep_days: int, progress: Callable[[str], None] = print
) -> tuple[date, ...]:
    """Take in the dates that were missed, in order, a transaction each; returns them.

    Missed is what was published or withdrawn before there was a membership, or while it was turned off.
    """
    with warehouse.connect(readonly=True) as conn:
        newest = register.newest(conn)
        kept_from = newest - timedelta(days=keep_days) if newest else date.min
        query = db.statement("applications/membership/missed.sql")
        missed = db.rows(conn, query, {"kept_from": kept_from})
    for one in missed:
        with warehouse.connect() as conn:
            locks.hold(conn, locks.PUBLICATION)
            _take_in(conn, one["as_of_date"])
    if missed:
        progress(
            f"membership: {len(missed)} dates taken in, {missed[0]['as_of_date']} to {missed[-1]['as_of_date']}"
        )
    return tuple(one["as_of_date"] for one in missed)


def _take_in(conn: db.Connection, day: date) -> None:
    """The date as it is now that the lock is held."""
    run = register.published(conn, day)
    if run is None:
        withdraw(conn, day)
    elif run.dropped_at is None:
        publish(conn, day, run.run_id)


def prune(conn: db.Connection, before: date) -> int:
    """Forget intervals that ended, and dates that were, before a date; returns the intervals."""
    params = {"before": before}
    db.execute(conn, "delete from segments.membership_dates where as_of_date < %(before)s", params)
    return db.execute(conn, "delete from segments.membership where valid_to <= %(before)s", params)
