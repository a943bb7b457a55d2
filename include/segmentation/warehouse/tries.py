"""Locks that are tried for moments, for readers would have to queue behind a statement that waits for them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import psycopg2
import psycopg2.errors

from segmentation.settings import DatabaseLimits
from segmentation.warehouse import db
from segmentation.warehouse.watch import Session, Watched, closely

NOWAIT_SECONDS = 0.3
"""Time to wait for a lock that readers would have to queue behind."""

VACUUMED = """
    select distinct format('%%I.%%I', n.nspname, c.relname) as name
    from pg_locks as l
    join pg_class as c on c.oid = l.relation
    join pg_namespace as n on n.oid = c.relnamespace
    where
        l.pid = any(%(pids)s) and l.granted and l.mode = 'ShareUpdateExclusiveLock' and c.relkind in ('r', 'm')
        and l.database = (select oid from pg_database where datname = current_database())
    order by 1
"""
OUTWAIT = """
    select set_config('lock_timeout', (setting::int + 1000)::text, true)
    from pg_settings where name = 'deadlock_timeout'
"""


def patiently(
    conn: db.Connection, query: str, params: dict[str, Any] | None = None, seconds: float | None = None
) -> None:
    """Run a statement whose lock readers would have to queue behind: tried shortly, again and again.

    Part of the transaction of `conn`, or on its own in autocommit.

    Raises
    ------
    psycopg2.errors.LockNotAvailable
        When others have it for longer than `seconds` (absent: `lock_seconds`); a watched connection then
        knows who is in the way.
    """
    limits = getattr(conn, "limits", DatabaseLimits())
    ends = time.monotonic() + (limits.lock_seconds if seconds is None else seconds)
    before = db.scalar(conn, "select current_setting('lock_timeout')")
    scope = "" if conn.autocommit else "local "
    sessions: list[Session] | None = None
    with ExitStack() as looks:
        while True:
            try:
                with _savepoint(conn):
                    db.execute(conn, f"set {scope}lock_timeout = '{NOWAIT_SECONDS}s'")
                    db.execute(conn, query, params)
                    db.execute(conn, f"set {scope}lock_timeout = '{before}'")
                return
            except psycopg2.errors.LockNotAvailable:
                if sessions is not None and time.monotonic() > ends:
                    if isinstance(conn, Watched):
                        conn.in_the_way = tuple(sessions)
                    raise
                if sessions is None:
                    sessions = looks.enter_context(closely(conn))
                time.sleep(NOWAIT_SECONDS)
                end_vacuums(conn, sessions)


def end_vacuums(conn: db.Connection, sessions: Sequence[Session]) -> None:
    """Have the server end its own vacuums among the sessions that are in the way of a connection.

    It does so for whoever waits longer than `deadlock_timeout`, which is more than a moment. So another
    session waits, in a mode behind which neither readers nor writers queue. A vacuum against wraparound
    stays.
    """
    pids = [session.pid for session in sessions if session.is_autovacuum]
    if not pids or not isinstance(conn, Watched) or conn.ask is None:
        return
    with closing(conn.ask()) as other:
        tables = [row["name"] for row in db.rows(other, VACUUMED, {"pids": pids})]
        other.autocommit = False
        for table in tables:
            with suppress(psycopg2.Error), other:
                db.execute(other, OUTWAIT)
                db.execute(other, f"lock table {table} in share update exclusive mode")


@contextmanager
def _savepoint(conn: db.Connection) -> Iterator[None]:
    if conn.autocommit:
        yield
        return
    db.execute(conn, "savepoint patiently")
    try:
        yield
    except psycopg2.Error:
        db.execute(conn, "rollback to savepoint patiently")
        raise
    db.execute(conn, "release savepoint patiently")
