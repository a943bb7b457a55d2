"""Locks that are tried for moments, for readers would have to queue behind a statement that waits for them."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg2
import psycopg2.errors

from segmentation.settings import DatabaseLimits
from segmentation.warehouse import db
from segmentation.warehouse.watch import Session, Watched, closely

NOWAIT_SECONDS = 0.3
"""Time to wait for a lock that readers would have to queue behind."""


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
