"""The register of runs, and the lease that a run holds on its as-of date."""

import json
import os
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any

import psutil
import psycopg2
import psycopg2.errors

from segmentation import progress
from segmentation.errors import LeaseError, NoAnswer
from segmentation.runs.night import Night
from segmentation.settings import INCLUDE, Settings
from segmentation.warehouse import db, watch

LONGEST_PAUSE_SECONDS = 900  # between two tries of a task
BEATS = 5  # signs of life within a lease
FINAL = ("held", "published", "rejected", "failed", "no_data", "withdrawn")


@dataclass(frozen=True)
class Run:
    """A row of `segments.runs`; what a warehouse that is not yet migrated lacks is at its default."""

    run_id: str
    as_of_date: date
    status: str
    started_at: datetime
    heartbeat_at: datetime
    dag_run_id: str | None = None
    finished_at: datetime | None = None
    published_at: datetime | None = None
    parent_run_id: str | None = None
    parent_as_of_date: date | None = None
    decision: str | None = None
    verdict: str | None = None
    watermarks: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, Any] = field(default_factory=dict)
    settings_hash: str | None = None
    code_version: str | None = None
    model_path: str | None = None
    report_path: str | None = None
    held: Mapping[str, Any] | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_note: str | None = None
    rule_fidelity: float | None = None
    facts_seen: int = 0
    dropped_at: datetime | None = None
    searched: bool | None = None
    search_reason: str | None = None
    choice: Mapping[str, Any] = field(default_factory=dict)
    ended_by: str | None = None
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
    withdrawn_note: str | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Run":
        """A row; columns that are newer than this code are left out."""
        return cls(**{name: row[name] for name in _COLUMNS if name in row})

    @property
    def is_published(self) -> bool:
        """Readers saw it; a later run of the date may have taken its place."""
        return self.status == "published"

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of statements about the run."""
        return {
            "run_id": self.run_id,
            "as_of_date": self.as_of_date,
            "parent_run_id": self.parent_run_id,
            "parent_as_of_date": self.parent_as_of_date,
        }


_COLUMNS = [column.name for column in fields(Run)]


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
        db.run_file(conn, "runs/take_over.sql", params)
        try:
            db.run_file(conn, "runs/start.sql", params)
        except psycopg2.errors.UniqueViolation:
            conn.rollback()
            raise LeaseError(_held_by(conn, as_of_date, settings)) from None
    return run_id


def _held_by(conn: db.Connection, as_of_date: date, settings: Settings) -> str:
    holder = select(conn, "where as_of_date = %(d)s and status = 'running'", {"d": as_of_date})
    if holder is None:
        return f"another run of {as_of_date} ended just now; start this one again"
    return (
        f"run {holder.run_id} of {as_of_date} is under way since {holder.started_at:%H:%M} UTC "
        f"(last sign of life {holder.heartbeat_at:%H:%M}); wait for it, or, if it is dead, for "
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
    """Show that the run is alive, now and for as long as this process gets on with it or the run runs.

    A task may take longer than the lease, so a thread does it; a process that is killed takes it along. What
    hangs shows nothing: life is progress (`_Signs`), and not that a clock goes on.

    Raises
    ------
    LeaseError
        When the run is no longer the one that holds its date.
    """
    beat(night)
    name = f"lease {night.run_id}"
    if all(thread.name != name for thread in threading.enumerate()):
        threading.Thread(target=_beat_on, args=(night,), name=name, daemon=True).start()


class _Signs:
    """Signs of life of this process since they were last asked for.

    Statements, rows that are copied and words of progress count; so do a processor that was busy for a
    twentieth of the time, and a server that works on a statement of ours and waits for nobody.
    """

    BUSY = 0.05

    def __init__(self) -> None:
        self.steps, self.busy, self.at = progress.steps(), _busy_seconds(), time.monotonic()

    def are_there(self) -> bool:
        """True where something was done since the last time."""
        steps, busy, now = progress.steps(), _busy_seconds(), time.monotonic()
        is_busy = busy - self.busy > self.BUSY * (now - self.at)
        is_new = steps != self.steps or is_busy or watch.is_at_work()
        self.steps, self.busy, self.at = progress.steps(), busy, now
        return is_new


def _busy_seconds() -> float:
    """Processor time of this process and of those that it has started."""
    process = psutil.Process()
    times = [process.cpu_times()]
    for child in process.children(recursive=True):
        with suppress(psutil.Error):
            times.append(child.cpu_times())
    return sum(one.user + one.system for one in times)


def _beat_on(night: Night, pause: threading.Event | None = None) -> None:
    pause, signs = pause or threading.Event(), _Signs()
    while not pause.wait(night.settings.run.lease_minutes * 60 / BEATS):
        try:
            if signs.are_there():
                beat(night)
                signs = _Signs()  # the beat is no sign of its own
        except LeaseError:
            return  # it has ended, or its next stage finds out
        except (psycopg2.Error, NoAnswer):
            continue  # a server that does not answer may answer the next time


def end_dead(warehouse: db.Database, settings: Settings) -> list[dict[str, Any]]:
    """End the runs that show no progress for longer than the lease and a pause between tries; returns them.

    Whoever looks at the register or writes to it calls this first, so that it never says `running` of a run
    that is dead.
    """
    with warehouse.connect() as conn:
        if db.scalar(conn, "select to_regclass('operations.locks')") is None:
            return []  # of an older version, which has no word for it
        # between two tries of a task nobody shows life
        longest = settings.run.retry_seconds * 2 ** max(settings.run.retries - 1, 0)
        seconds = settings.run.lease_minutes * 60 + min(longest, LONGEST_PAUSE_SECONDS)
        # any order: each is told on its own
        return db.rows(conn, db.statement("runs/dead.sql"), {"seconds": seconds})


def lost(night: Night) -> str:
    """Message for a lease that is gone."""
    return (
        f"run {night.run_id} no longer holds {night.as_of_date}: another run has taken it over, or it was "
        "ended; nothing of this run is published"
    )


def finish(
    warehouse: db.Database, run_id: str, status: str, verdict: str, ended_by: str | None = None
) -> bool:
    """End a running run with a verdict in words; False when it had ended already.

    `ended_by`: what ended a run that did not end itself (`timeout`, `killed`, `skipped`).
    """
    if status not in FINAL:
        raise ValueError(f"'{status}' is no final status ({', '.join(FINAL)})")
    with warehouse.connect() as conn:
        return bool(
            db.execute(
                conn,
                """
                update segments.runs
                set
                    status = %(status)s, verdict = %(verdict)s, finished_at = now(),
                    ended_by = %(ended_by)s
                where run_id = %(run_id)s and status = 'running'
                """,
                {"run_id": run_id, "status": status, "verdict": verdict, "ended_by": ended_by},
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


def select(conn: db.Connection, rest: str, params: dict[str, Any]) -> Run | None:
    """The first run of a select; `rest` is what follows `from segments.runs`."""
    row = db.row(conn, f"select * from segments.runs {rest}", params)
    return Run.of(row) if row else None


def parent(conn: db.Connection, as_of_date: date) -> Run | None:
    """The run that published the newest date before `as_of_date`, or None."""
    return select(
        conn,
        "where status = 'published' and dropped_at is null and as_of_date < %(as_of_date)s "
        "order by as_of_date desc, published_at desc limit 1",
        {"as_of_date": as_of_date},
    )


def published(conn: db.Connection, as_of_date: date) -> Run | None:
    """The run that published a date last, or None."""
    return select(
        conn,
        "where status = 'published' and as_of_date = %(as_of_date)s order by published_at desc limit 1",
        {"as_of_date": as_of_date},
    )


def find(conn: db.Connection, run_id: str) -> Run | None:
    """A run by its id, or None."""
    return select(conn, "where run_id = %(run_id)s", {"run_id": run_id})


def of_dag_run(conn: db.Connection, dag_run_id: str) -> Run | None:
    """The newest run of a DAG run, or None."""
    return select(
        conn, "where dag_run_id = %(id)s order by started_at desc, run_id limit 1", {"id": dag_run_id}
    )


def newest_of(conn: db.Connection, days: Sequence[date]) -> dict[date, Run]:
    """The newest run of each date that has one."""
    query = """
        select distinct on (as_of_date) * from segments.runs where as_of_date = any(%(days)s)
        order by as_of_date, started_at desc, run_id
    """
    return {row["as_of_date"]: Run.of(row) for row in db.rows(conn, query, {"days": list(days)})}


def recent(conn: db.Connection, n: int) -> list[Run]:
    """The last `n` runs, the newest first."""
    query = "select * from segments.runs order by started_at desc, run_id limit %(n)s"
    return [Run.of(row) for row in db.rows(conn, query, {"n": n})]


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
    if version := os.environ.get("SEGMENTATION_CODE_VERSION"):
        return version
    git = shutil.which("git")
    if git is None:
        return "unknown"
    answer = subprocess.run(  # noqa: S603 (the arguments are ours)
        [git, "-C", str(INCLUDE), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() or "unknown"
