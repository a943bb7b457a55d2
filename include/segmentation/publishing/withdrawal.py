"""A published date that is taken back, in one transaction: readers go to the date before at once and as a whole.

What the run computed stays among its artifacts, and the date can be run again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from segmentation.errors import DecisionError
from segmentation.publishing import rules_in_sql
from segmentation.publishing.tables import REWRITTEN
from segmentation.runs import register, stale
from segmentation.warehouse import db, locks, partitions


@dataclass(frozen=True)
class Withdrawn:
    """Outcome of a withdrawal: the date, its run, who did it and why, and what readers see now.

    `stale` are the published dates after it, which followed it; `is_empty`: the assignments of the date that
    is the newest now were dropped by the maintenance, so that its view is empty until it is run again.
    """

    as_of_date: date
    run_id: str
    by: str
    note: str
    newest: date | None
    stale: tuple[date, ...] = ()
    is_empty: bool = False


def withdraw(
    warehouse: db.Database, day: date, by: str, note: str, beside: Callable[[db.Connection, date], None]
) -> Withdrawn:
    """Take a published date back: nothing that readers see is of it, and the date before is the newest.

    Ids that the date gave stay reserved to it, as when it is run again without them. Whoever did it, when and
    why is kept with its runs, whose status is `withdrawn`. `beside` deletes what else belongs to a date, in the
    same transaction.

    Raises
    ------
    DecisionError
        When the date is not published, or a run that is under way is of it or follows it.
    """
    with warehouse.connect() as conn:
        locks.hold(conn, locks.PUBLICATION)
        run_id = _published(conn, day)
        _refuse_if_in_use(conn, day)
        db.run_file(conn, "operations/withdraw.sql", {"day": day, "by": by, "note": note})
        _forget(conn, day)
        beside(conn, day)
        newest = register.newest(conn)
        if newest is None or newest < day:
            rules_in_sql.replace(conn, newest)
        after = tuple(one.as_of_date for one in stale.dates(conn) if one.as_of_date > day)
        return Withdrawn(day, run_id, by, note, newest, after, _is_dropped(conn, newest))


def _published(conn: db.Connection, day: date) -> str:
    if run := register.published(conn, day):
        return run.run_id
    query = (
        "select run_id, status from segments.runs where as_of_date = %(day)s order by started_at desc limit 1"
    )
    other = db.row(conn, query, {"day": day})
    newest = f"; its newest run {other['run_id']} is {other['status']}" if other else ""
    raise DecisionError(f"{day} is not published, so there is nothing to withdraw{newest}")


def _refuse_if_in_use(conn: db.Connection, day: date) -> None:
    """A run that is under way matches its segments with those of the date that it follows."""
    query = """
        select run_id, as_of_date from segments.runs
        where status = 'running' and %(day)s in (as_of_date, parent_as_of_date)
        order by as_of_date limit 1
    """
    if run := db.row(conn, query, {"day": day}):
        what = "is of it" if run["as_of_date"] == day else f"of {run['as_of_date']} follows it"
        raise DecisionError(
            f"{day} cannot be withdrawn now: run {run['run_id']} {what} and is under way; wait for it, or "
            "end it, and withdraw again. Nothing was changed"
        )


def _forget(conn: db.Connection, day: date) -> None:
    """Delete what readers see of the date. Its partition stays, empty: to detach waits for readers."""
    partition = f"segments.{partitions.name('customer_segments', day)}"
    if db.scalar(conn, "select to_regclass(%(name)s)", {"name": partition}):
        db.execute(conn, f"delete from {partition}")
    for table in (*REWRITTEN, "packed_segments"):
        db.execute(conn, f"delete from segments.{table} where as_of_date = %(day)s", {"day": day})
    db.run_file(conn, "segments/segments.sql")


def _is_dropped(conn: db.Connection, day: date | None) -> bool:
    run = day and register.published(conn, day)
    return bool(run and run.dropped_at)
