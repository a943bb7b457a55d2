"""A thread that watches what this process asks of databases: who is in the way, and what will not answer.

A statement that the server does not answer keeps its thread in the client library, where neither a signal nor
Airflow's `execution_timeout` reaches it. So each connection of a `Database` is looked at from outside, once a
second. Who waits for a lock is told who has it; who waits for a server that says nothing has its connection
ended, and goes on with an error that says so.
"""

import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg2
import psycopg2.extensions

from segmentation import progress
from segmentation.settings import DatabaseLimits

PAUSE_SECONDS = 1
CLOSE_SECONDS = 0.1  # between two looks at who is in the way of one that waits for moments only
ASKED_AFTER, ASKED_EVERY = 2, 10
GRACE_SECONDS = 30
"""Time for the server to end a statement that is past its time, before the connection is given up."""

IN_THE_WAY = """
    select pid, application_name, usename::text, state, xact_start
    from pg_stat_activity
    where pid = any(pg_blocking_pids(%(pid)s))
    order by xact_start nulls last, pid
"""
AT_WORK = """
    select count(*) from pg_stat_activity
    where
        pid = any(%(pids)s) and state = 'active'
        and coalesce(wait_event_type, '') not in ('Lock', 'Client')
"""


@dataclass(frozen=True)
class Session:
    """Another session of the server: whose it is, and since when it is in a transaction; not what it asks."""

    pid: int
    application: str
    user: str | None
    state: str | None
    since: datetime | None

    @property
    def is_autovacuum(self) -> bool:
        """True for a session of the server's own that has locks: nobody's but autovacuum's has."""
        return self.user is None

    def __str__(self) -> str:
        if self.is_autovacuum:
            return f"autovacuum (process {self.pid} of the server)"
        since = f" since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        state = f", {self.state}" if self.state else ""
        return f"session {self.pid} (application '{self.application}', user '{self.user}'{state}{since})"


class Watched(psycopg2.extensions.connection):
    """A connection of a `Database`, and what the watch knows of it."""

    name: str = ""
    limits: DatabaseLimits = DatabaseLimits()
    ask: Callable[[], Any] | None = None  # opens another connection to the same server
    moved: int = 0  # statements begun, and blocks that a COPY has brought
    is_streaming: bool = False  # rows have begun to come
    is_waiting_here: bool = False  # for this process, and not for the server
    in_the_way: tuple[Session, ...] = ()
    given_up: str = ""  # why the watch has ended it

    def cursor(self, *arguments: Any, **keywords: Any) -> Any:
        """A cursor; one is made for each statement, so that it is a sign of life."""
        self.moved += 1
        self.in_the_way = ()
        progress.step()
        return super().cursor(*arguments, **keywords)

    @property
    def is_active(self) -> bool:
        """True while the server has a statement that it has not answered yet."""
        return self.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_ACTIVE


@dataclass
class _Mark:
    """Instant since when a connection waits without a move, and when it was last asked who is in the way."""

    moved: int
    since: float
    asked_at: float = 0.0


_watched: "weakref.WeakSet[Watched]" = weakref.WeakSet()
_marks: "weakref.WeakKeyDictionary[Watched, _Mark]" = weakref.WeakKeyDictionary()
_thread: threading.Thread | None = None
_starting = threading.Lock()


def watch(connection: Watched) -> None:
    """Look at a connection for as long as it is open."""
    global _thread
    _watched.add(connection)
    with _starting:
        if _thread is None or not _thread.is_alive():  # also after a fork, which takes no thread along
            _thread = threading.Thread(target=_look_on, name="database watch", daemon=True)
            _thread.start()


def _look_on() -> None:
    while True:
        time.sleep(PAUSE_SECONDS)
        for connection in list(_watched):
            with suppress(psycopg2.Error, OSError):
                _look(connection, time.monotonic())


def _look(connection: Watched, now: float) -> None:
    if connection.closed:
        _watched.discard(connection)
        return
    mark = _marks.get(connection)
    if not connection.is_active or connection.is_waiting_here:
        _marks.pop(connection, None)
        return
    if mark is None or mark.moved != connection.moved:
        _marks[connection] = _Mark(connection.moved, now)
        return
    waited = now - mark.since
    limits = connection.limits
    if connection.is_streaming and waited > limits.silence_seconds:
        _give_up(connection, f"nothing came for {limits.silence_seconds} s in the middle of a COPY")
    elif waited > limits.statement_seconds + GRACE_SECONDS:
        _give_up(connection, f"no answer to a statement within {limits.statement_seconds} s")
    elif waited > ASKED_AFTER and now - mark.asked_at > ASKED_EVERY:
        mark.asked_at = now
        threading.Thread(target=_find_out, args=(connection,), name="who is in the way", daemon=True).start()


def _give_up(connection: Watched, why: str) -> None:
    """End a connection from outside: whoever waits for it finds it closed."""
    connection.given_up = f"{why}; the connection was given up"
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def _find_out(connection: Watched) -> None:
    """Ask the server who is in the way of a connection, and say so once."""
    with suppress(psycopg2.Error, psycopg2.Warning):
        pid = connection.info.backend_pid
        sessions = tuple(Session(*row) for row in _rows(connection, IN_THE_WAY, {"pid": pid}))
        if sessions and sessions != connection.in_the_way:
            progress.say(f"waiting for a lock in the {connection.name}: {words(sessions)} has it")
        connection.in_the_way = sessions or connection.in_the_way


@contextmanager
def closely(connection: psycopg2.extensions.connection) -> Iterator[list[Session]]:
    """Look ten times a second at who is in the way of a connection that waits for moments only.

    Gives the list of the sessions that were in its way last; empty for a connection that is not watched.
    """
    blockers: list[Session] = []
    over = threading.Event()
    looking = threading.Thread(target=_look_closely, args=(connection, blockers, over), name="a close look")
    looking.start()
    try:
        yield blockers
    finally:
        over.set()
        looking.join()


def _look_closely(
    connection: psycopg2.extensions.connection, blockers: list[Session], over: threading.Event
) -> None:
    ask = getattr(connection, "ask", None)
    if ask is None:
        return
    with suppress(psycopg2.Error, psycopg2.Warning), closing(ask()) as other, other.cursor() as cursor:
        while not over.wait(CLOSE_SECONDS):
            cursor.execute(IN_THE_WAY, {"pid": connection.info.backend_pid})
            if sessions := [Session(*row) for row in cursor.fetchall()]:
                blockers[:] = sessions


def _rows(connection: Watched, query: str, params: dict[str, Any]) -> list[tuple]:
    if connection.ask is None:
        return []
    with closing(connection.ask()) as other, other.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchall()


def words(sessions: tuple[Session, ...]) -> str:
    """The sessions in the way, in words."""
    first = f"{sessions[0]}"
    return first if len(sessions) == 1 else f"{first} and {len(sessions) - 1} more"


def is_at_work() -> bool:
    """True while a server works for this process: on a statement, and waiting for nobody."""
    active = [one for one in list(_watched) if not one.closed and one.is_active and not one.is_waiting_here]
    for connection in active:
        with suppress(psycopg2.Error):
            pids = {"pids": [connection.info.backend_pid]}
            if any(count for (count,) in _rows(connection, AT_WORK, pids)):
                return True
    return False
