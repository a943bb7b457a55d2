"""Sessions side by side: parts of a step that do not need each other, each in a transaction of its own.

A statement that writes is the work of one process of the server, whatever its plan; two sessions are two.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress

import psycopg2

from segmentation.warehouse import db

SESSIONS = 2  # each takes a core, and `work_mem` for itself
ALONE = "set max_parallel_workers_per_gather = 0; set max_parallel_maintenance_workers = 0"
PAUSE_SECONDS = 0.1
MANY = 100_000  # rows from which on another session costs less than it saves
Part = Callable[[db.Connection], object]


def are_many(conn: db.Connection, table: str) -> bool:
    """True where a table has so many rows that two sessions are quicker."""
    query = f"select count(*) = %(many)s from (select from {table} limit %(many)s) as some_rows"
    return db.scalar(conn, query, {"many": MANY})


def run(database: db.Database, parts: Iterable[Part], meanwhile: Callable[[], object] | None = None) -> None:
    """Run the parts, each in a transaction that is committed when it is done; and `meanwhile` in this thread.

    When one fails, or this thread is told to stop, those at work are ended, and the others are not begun.
    """
    left = iter(list(parts))
    at_work: set[db.Connection] = set()
    is_over = threading.Event()

    def work() -> None:
        with database.connect() as conn:
            at_work.add(conn)
            try:
                db.execute(conn, ALONE)
                for part in left:  # those of all sessions
                    if is_over.is_set():
                        break
                    part(conn)
                    conn.commit()
            except BaseException:
                is_over.set()  # before this thread takes the next part
                raise
            finally:
                at_work.discard(conn)

    with ThreadPoolExecutor(SESSIONS, "beside") as pool, ExitStack() as ending:
        ending.callback(_end, at_work)
        ending.callback(is_over.set)
        futures = [pool.submit(work) for _ in range(SESSIONS)]
        if meanwhile:
            meanwhile()
        for future in wait(futures, return_when=FIRST_EXCEPTION).done:
            future.result()


@contextmanager
def held(database: db.Database, part: Part) -> Iterator[None]:
    """Run a part beside what is done within, in a transaction that is committed only when both are done.

    A fault of either leaves nothing of the part.
    """
    with database.connect() as conn, ThreadPoolExecutor(1, "beside") as pool, ExitStack() as ending:
        at_work = {conn}

        def work() -> None:
            try:
                part(conn)
            finally:
                at_work.discard(conn)

        ending.callback(_end, at_work)
        future = pool.submit(work)
        yield
        future.result()


def _end(at_work: set[db.Connection]) -> None:
    """End what is at work: statement after statement, until its thread has seen it."""
    while at_work:
        for conn in list(at_work):
            with suppress(psycopg2.Error):
                conn.cancel()
        time.sleep(PAUSE_SECONDS)
