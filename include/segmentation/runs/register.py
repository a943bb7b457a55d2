"""The register of runs, and the lease that a run holds on its as-of date."""

import json
import os
import shutil
import subprocess
import threading
import uuid
from datetime import date
from typing import Any

import psycopg2
import psycopg2.errors

from segmentation.errors import LeaseError
from segmentation.runs.night import Night
from segmentation.settings import INCLUDE, Settings
from segmentation.warehouse import db

BEATS = 5  # signs of life within a lease
FINAL = ("held", "published", "rejected", "failed", "no_data", "withdrawn")


def start(warehouse: db.Database, settings: Settings, as_of_date: date, dag_run_id: str) -> str:
    """Register a run and take the lease on its date; returns the run id.

    A run of the same DAG run (a retry, a cleared task) or one whose heartbeat has stopped is taken over.

    Raises
    ------
    LeaseError
        When another live run holds the date.
    """
    run_id = f"{as_of_date:%Y%m%d}-{uuid.uuid4().hex[:8]}"
    params = {
        "run_id": run_id,
        "as_of_date": as_of_date,
        "dag_run_id": dag_run_id,
        "lease_minutes": settings.run.lease_minutes,
        "settings_hash": settings.hash(),
        "code_version": code_version(),
    }
    with warehouse.connect() as conn:
        db.run_file(conn, "segments/runs_take_over.sql", params)
        try:
            db.run_file(conn, "segments/runs_start.sql", params)
        except psycopg2.errors.UniqueViolation:
            conn.rollback()
            raise LeaseError(_held_by(conn, as_of_date, settings)) from None
    return run_id


def _held_by(conn: db.Connection, as_of_date: date, settings: Settings) -> str:
    holder = db.row(
        conn,
        "select run_id, started_at, heartbeat_at from segments.runs "
        "where as_of_date = %(d)s and status = 'running'",
        {"d": as_of_date},
    )
    if holder is None:
        return f"another run of {as_of_date} ended just now; start this one again"
    return (
        f"run {holder['run_id']} of {as_of_date} is under way since {holder['started_at']:%H:%M} UTC "
        f"(last sign of life {holder['heartbeat_at']:%H:%M}); wait for it, or, if it is dead, for "
        f"{settings.run.lease_minutes} minutes without a sign of life"
    )


def beat(night: Night) -> None:
    """Show that the run is alive.

    Raises
    ------
    LeaseError
        When the run is no longer the one that holds its date.
    """
    with night.warehouse.connect() as conn:
        alive = db.execute(
            conn,
            "update segments.runs set heartbeat_at = now() where run_id = %(run_id)s and status = 'running'",
            {"run_id": night.run_id},
        )
    if not alive:
        raise LeaseError(lost(night))


def keep_alive(night: Night) -> None:
    """Show that the run is alive, now and for as long as this process lives or the run runs.

    A task may take longer than the lease, so a thread does it; a process that is killed takes it along.

    Raises
    ------
    LeaseError
        When the run is no longer the one that holds its date.
    """
    beat(night)
    name = f"lease {night.run_id}"
    if all(thread.name != name for thread in threading.enumerate()):
        threading.Thread(target=_beat_on, args=(night,), name=name, daemon=True).start()


def _beat_on(night: Night, pause: threading.Event | None = None) -> None:
    pause = pause or threading.Event()
    while not pause.wait(night.settings.run.lease_minutes * 60 / BEATS):
        try:
            beat(night)
        except LeaseError:
            return  # it has ended, or its next stage finds out
        except psycopg2.Error:
            continue  # a server that does not answer may answer the next time


def lost(night: Night) -> str:
    """What to say when the lease is gone."""
    return (
        f"run {night.run_id} no longer holds {night.as_of_date}: another run has taken it over, or it was "
        "ended; nothing of this run is published"
    )


def finish(warehouse: db.Database, run_id: str, status: str, verdict: str) -> bool:
    """End a running run with a verdict in words; False when it had ended already."""
    if status not in FINAL:
        raise ValueError(f"'{status}' is no final status ({', '.join(FINAL)})")
    with warehouse.connect() as conn:
        return bool(
            db.execute(
                conn,
                """
                update segments.runs
                set status = %(status)s, verdict = %(verdict)s, finished_at = now()
                where run_id = %(run_id)s and status = 'running'
                """,
                {"run_id": run_id, "status": status, "verdict": verdict},
            )
        )


def note(night: Night, **facts: Any) -> None:
    """Add to the run's `watermarks` or `counts` (dictionaries), or set `decision`, `model_path` and so on."""
    with night.warehouse.connect() as conn:
        for column, value in facts.items():
            merged = isinstance(value, dict)
            change = f"{column} || %(value)s::jsonb" if merged else "%(value)s"
            db.execute(
                conn,
                f"update segments.runs set {column} = {change} where run_id = %(run_id)s",
                {"run_id": night.run_id, "value": json.dumps(value, default=str) if merged else value},
            )


def parent(conn: db.Connection, as_of_date: date) -> dict[str, Any] | None:
    """The run that published the newest date before `as_of_date`, or None."""
    return db.row(
        conn,
        """
        select run_id, as_of_date, model_path from segments.runs
        where status = 'published' and dropped_at is null and as_of_date < %(as_of_date)s
        order by as_of_date desc, published_at desc limit 1
        """,
        {"as_of_date": as_of_date},
    )


def published(conn: db.Connection, as_of_date: date) -> dict[str, Any] | None:
    """The run that published a date last, or None."""
    return db.row(
        conn,
        "select * from segments.runs where status = 'published' and as_of_date = %(as_of_date)s "
        "order by published_at desc limit 1",
        {"as_of_date": as_of_date},
    )


def find(conn: db.Connection, run_id: str) -> dict[str, Any] | None:
    """The row of a run."""
    return db.row(conn, "select * from segments.runs where run_id = %(run_id)s", {"run_id": run_id})


def newest(conn: db.Connection, until: date | None = None) -> date | None:
    """The newest published date (`until`: of those not after that day)."""
    return db.scalar(
        conn,
        "select max(as_of_date) from segments.runs where status = 'published' "
        "and as_of_date <= coalesce(%(until)s::date, 'infinity')",
        {"until": until},
    )


def code_version() -> str:
    """The commit that runs, as the image was told or git says."""
    if told := os.environ.get("SEGMENTATION_CODE_VERSION"):
        return told
    git = shutil.which("git")
    if git is None:
        return "unknown"
    asked = subprocess.run(  # noqa: S603 (the arguments are ours)
        [git, "-C", str(INCLUDE), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or "unknown"
