"""The weekly maintenance: what is older than `retention` goes, what is left is vacuumed and analysed.

Readers are never kept waiting: a partition is detached concurrently before it is dropped, when nobody has its
table in an open transaction. What a later night, a re-run or a repair needs stays, or is extracted again:
docs/retention.md.
"""

import shutil
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg2.errors
from psycopg2 import sql

from segmentation import applications
from segmentation.dates import today
from segmentation.errors import MaintenanceError, WarehouseError
from segmentation.features import checkpoints
from segmentation.ingestion import staged
from segmentation.publishing import packed_assignments
from segmentation.runs import register
from segmentation.settings import Settings
from segmentation.warehouse import db, locks, partitions, watch

WORKING_FILES = ("matrix", "search-sample", "shown", "candidates", "snapshot")
"""Files that a run needs until it has chosen, by the beginning of their names."""

ORDINARY = 7
"""Dates that go in a week, whatever share of all they are."""

VACUUMED = ("staging", "quarantine", "core", "features", "quality", "segments")


@dataclass(frozen=True)
class Freed:
    """The removals of a maintenance. Bytes are those given back to the disk; rows make room for new ones."""

    assignments: tuple[date, ...] = ()
    features: tuple[date, ...] = ()
    partition_bytes: int = 0
    staged_rows: int = 0
    staged_before: date | None = None
    changes: int = 0
    artifact_bytes: int = 0
    vacuumed: int = 0

    def words(self) -> list[str]:
        """Words for the log."""
        return [
            f"assignments dropped of {_dates(self.assignments)}; features of {_dates(self.features)}: "
            f"{_size(self.partition_bytes)} freed",
            f"staging: {self.staged_rows:,} rows of days before {self.staged_before} deleted",
            f"artifacts: {_size(self.artifact_bytes)} freed; {self.changes:,} changes of days forgotten",
            f"{self.vacuumed} tables vacuumed and analysed",
        ]


def run(
    warehouse: db.Database,
    settings: Settings,
    store: Path,
    progress: Callable[[str], None] = print,
    *,
    remove_more: bool = False,
) -> Freed:
    """Remove what has expired, counted back from the newest published date; returns what was freed.

    A date that is still to come is not counted from: one wrong digit would be the end of history.

    Raises
    ------
    MaintenanceError
        When more than `retention.max_removed_share` of the dates would go, and nobody said so
        (`remove_more`). Nothing is removed then.
    WarehouseError
        When a reader has a date in an open transaction for too long. What was removed until then is.
    """
    with warehouse.connect(readonly=True) as conn:
        newest = register.newest(conn, until=today(settings.tz))
        if newest is None:
            progress("maintenance: nothing was ever published, so there is nothing to remove")
            return Freed(vacuumed=_vacuum(warehouse))
        bounds = _bounds(settings, newest)
        assignments, features = _expired(conn, settings, bounds, remove_more)
    if packed_now := packed_assignments.pack_missing(warehouse):
        progress(f"maintenance: {_dates(tuple(packed_now))} packed")
    freed_bytes = _drop(warehouse, "features", "customer_features", features)
    with warehouse.connect(readonly=True) as conn:
        beside = [table for table in partitions.by_date(conn, "segments") if table != "customer_segments"]
    for table in (*beside, "customer_segments"):  # last, for it says which dates are there
        freed_bytes += _drop(warehouse, "segments", table, assignments)
    _forget_packed(warehouse, bounds)
    freed_bytes += _drop_of_applications(warehouse, settings, newest, progress)
    with warehouse.connect() as conn:
        if months := checkpoints.prune(conn, newest, timedelta(days=settings.model.horizon_days)):
            progress(f"maintenance: {len(months)} month starts forgotten, up to {months[-1]}")
    _forget_of_applications(warehouse, settings, newest, progress)
    _forget_looks(warehouse, settings.retention.access_days)
    staged_before = newest - timedelta(days=settings.retention.staging_days)
    freed = Freed(
        assignments=tuple(assignments),
        features=tuple(features),
        partition_bytes=freed_bytes,
        staged_rows=_forget_staged(warehouse, staged_before),
        staged_before=staged_before,
        changes=_forget_changes(warehouse),
        artifact_bytes=_remove_artifacts(warehouse, settings, store, newest),
        vacuumed=_vacuum(warehouse),
    )
    for line in freed.words():
        progress(f"maintenance: {line}")
    return freed


def _bounds(settings: Settings, newest: date) -> dict[str, date]:
    """The newest published date, and the first dates of which retention keeps what."""
    retention = settings.retention
    return {
        "newest": newest,
        "daily_from": newest - timedelta(days=retention.daily_days),
        "assignments_from": newest - timedelta(days=retention.assignments_days),
        "month_ends_from": _months_before(newest, retention.month_ends),
        "features_from": newest - timedelta(days=retention.features_days),
    }


def _expired(
    conn: db.Connection, settings: Settings, bounds: dict[str, date], remove_more: bool
) -> tuple[list[date], list[date]]:
    """The dates whose assignments, and those whose features, have expired; the oldest first."""
    rows = db.rows(conn, db.statement("operations/expired.sql"), bounds)
    kinds = {"segments": "assignments", "features": "features"}
    expired = {kind: [row["as_of_date"] for row in rows if row[f"is_{kind}"]] for kind in kinds}
    for kind, name in kinds.items():
        there = sum(row[f"has_{kind}"] for row in rows)
        if not remove_more:
            _refuse_too_many(name, expired[kind], there, settings.retention.max_removed_share)
    return expired["segments"], expired["features"]


def _refuse_too_many(what: str, expired: list[date], there: int, most: float) -> None:
    """Refuse to remove more than a share of what is there; what a week leaves behind goes in any case."""
    if len(expired) > max(most * there, ORDINARY):
        raise MaintenanceError(
            f"{what} of {len(expired)} of {there} dates ({expired[0]} to {expired[-1]}) would be removed, more than "
            f"retention.max_removed_share allows ({most:.0%}); nothing was removed. Look at the settings "
            "under retention; if that is meant, run the maintenance with remove_more"
        )


def _months_before(day: date, months: int) -> date:
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(years, month + 1, 1)


def _drop(warehouse: db.Database, schema: str, parent: str, days: list[date]) -> int:
    """Detach and drop the partitions; returns the bytes they had."""
    return sum(_drop_date(warehouse, schema, parent, day) for day in days)


def _drop_of_applications(
    warehouse: db.Database, settings: Settings, newest: date, progress: Callable[[str], None]
) -> int:
    """Drop partitions that applications keep for a shorter time; returns the bytes they had."""
    freed = 0
    most_dates, most_days = applications.keep_dates(settings), applications.keep_days(settings)
    for table in {**most_dates, **most_days}:
        with warehouse.connect(readonly=True) as conn:
            dates = [day for day in partitions.dates(conn, "segments", table) if day <= newest]
        since = newest - timedelta(days=most_days.get(table, newest.toordinal() - 1))
        newer = dates[max(0, len(dates) - most_dates.get(table, len(dates))) :]
        gone = [day for day in dates if day < since or day not in newer]
        freed += _drop(warehouse, "segments", table, gone)
        if gone:
            progress(f"maintenance: {table} dropped of {_dates(tuple(gone))}")
    return freed


def _drop_date(warehouse: db.Database, schema: str, parent: str, day: date) -> int:
    """Detach and drop the partition of a date; returns the bytes it had.

    Detaching waits for everybody who has looked at the table in a transaction that is still open, and a
    publication waits for it. So they are waited for before, without a lock, and then for a moment only.

    Raises
    ------
    WarehouseError
        When somebody has the table for longer than `lock_seconds`. Names who; the date goes the next time.
    """
    table = f"{schema}.{parent}"
    ends = time.monotonic() + warehouse.limits.lock_seconds
    with closing(warehouse.open("segmentation maintenance")) as conn:
        conn.autocommit = True
        size = db.scalar(
            conn,
            "select pg_total_relation_size(to_regclass(%(t)s))",
            {"t": f"{schema}.{partitions.name(parent, day)}"},
        )
        while size is not None:
            sessions = partitions.lasting_users(conn, table)
            if not sessions:
                with suppress(psycopg2.errors.LockNotAvailable):
                    _drop_at_once(warehouse, conn, schema, parent, day)
                    return size
                sessions = partitions.users(conn, table)
            if time.monotonic() > ends:
                who = watch.words(sessions) if sessions else "another session"
                raise WarehouseError(
                    f"{table} of {day} is not dropped: {who} has it in an open transaction; end that "
                    "session, or wait: the next maintenance goes on from here"
                )
            time.sleep(0.5)
    return 0


def _drop_at_once(warehouse: db.Database, conn: db.Connection, schema: str, parent: str, day: date) -> None:
    """Drop the partition while no date is published: it may be this one, run again."""
    with warehouse.connect() as keeper:
        locks.hold(keeper, locks.PUBLICATION)
        if parent == "customer_segments":
            db.execute(
                conn,
                "update segments.runs set dropped_at = now() "
                "where as_of_date = %(d)s and status = 'published' and dropped_at is null",
                {"d": day},
            )
        partitions.drop(conn, schema, parent, day)


def _forget_packed(warehouse: db.Database, bounds: dict[str, date]) -> None:
    """Forget the bytes of dates that have no rows, once who was in which segment is kept no longer."""
    with warehouse.connect() as conn:
        locks.hold(conn, locks.PUBLICATION)
        db.run_file(conn, "operations/expired_bytes.sql", bounds)


def _forget_staged(warehouse: db.Database, before: date) -> int:
    """Delete staged rows of days before that one; whoever needs these days extracts them again."""
    with warehouse.connect() as conn:
        locks.hold(conn, locks.DAYS)
        deleted = sum(
            db.execute(conn, f"delete from staging.{table} where day < %(before)s", {"before": before})
            for table in staged.TABLES
        )
        db.run_file(conn, "operations/loads.sql", {"kept_from": before})
    return deleted


def _forget_of_applications(
    warehouse: db.Database, settings: Settings, newest: date, progress: Callable[[str], None]
) -> None:
    with warehouse.connect() as conn:
        locks.hold(conn, locks.PUBLICATION)
        gone = applications.expire(conn, settings, newest)
    if counts := ", ".join(f"{rows:,} of {name}" for name, rows in gone.items() if rows):
        progress(f"maintenance: rows of applications forgotten: {counts}")


def _forget_looks(warehouse: db.Database, days: int) -> None:
    with warehouse.connect() as conn:
        db.run_file(conn, "operations/access.sql", {"days": days})


def _forget_changes(warehouse: db.Database) -> int:
    with warehouse.connect() as conn:
        locks.hold(conn, locks.DAYS)
        return db.run_file(conn, "operations/changed_days.sql")


def _remove_artifacts(warehouse: db.Database, settings: Settings, store: Path, newest: date) -> int:
    """Delete the working files of runs that have ended, and all files of dates that were dropped."""
    with warehouse.connect(readonly=True) as conn:
        ended = db.rows(conn, db.statement("operations/ended_runs.sql"))
    working = newest - timedelta(days=settings.retention.working_files_days)
    freed = 0
    for run in ended:
        folder = store / run["as_of_date"].isoformat() / run["run_id"]
        if not folder.exists():
            continue
        if run["is_dropped"]:
            freed += sum(_size_of(file) for file in _files(folder))
            _remove(folder)
            _remove(store / "data_docs" / run["as_of_date"].isoformat() / run["run_id"])
        elif run["as_of_date"] < working:
            for file in _files(folder):
                if file.name.startswith(WORKING_FILES):
                    freed += _size_of(file)
                    file.unlink()
    return freed


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.is_file()]


def _size_of(file: Path) -> int:
    return file.stat().st_size


def _remove(folder: Any) -> None:
    """Object storage knows how to delete a folder; pathlib does not."""
    if not folder.exists():
        return
    if hasattr(folder, "rmdir") and not isinstance(folder, Path):
        folder.rmdir(recursive=True)
    else:
        shutil.rmtree(folder)


def _vacuum(warehouse: db.Database) -> int:
    """Vacuum and analyse every table of ours; returns how many."""
    with closing(warehouse.open("segmentation maintenance")) as conn:
        conn.autocommit = True
        tables = db.rows(
            conn,
            "select n.nspname, c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace "
            "where n.nspname = any(%(schemas)s) and c.relkind = 'r' order by 1, 2",
            {"schemas": list(VACUUMED)},
        )
        with conn.cursor() as cursor:
            for table in tables:
                name = sql.Identifier(table["nspname"], table["relname"])
                # to cut the end of a table off keeps readers out
                cursor.execute(sql.SQL("vacuum (analyze, skip_locked, truncate off) {}").format(name))
    return len(tables)


def _dates(days: tuple[date, ...]) -> str:
    if not days:
        return "no date"
    return f"{len(days)} dates ({days[0]} to {days[-1]})" if len(days) > 1 else str(days[0])


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"
