"""Sessions of the tests' server that are kept: one that is closed is emptied and waits for the next `open`.

A new session costs the server 6 ms of a core, and as much again until it knows the tables that it is asked
about; a night has a hundred of them. What a session leaves behind (settings, temporary tables, locks, plans)
is thrown away by the server itself (`discard all`). In production each session is a new one.
"""

import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest

from segmentation.warehouse import db
from segmentation.warehouse.db import Database
from segmentation.warehouse.watch import Watched

MOST = 4  # sessions that are kept; the server has many more
_kept: "list[Kept]" = []
_lock = threading.Lock()
_is_on = True


class Kept(Watched):
    """A connection that is not closed, but emptied and kept."""

    address: tuple[object, ...] | None = (
        None  # of the process and the database; None: it is closed when it is closed
    )
    is_idle = False

    def close(self) -> None:
        """Keep the session for another; close the oldest of those that are too many."""
        if self.is_idle:
            return
        if self.address is None or self.closed or not self._is_emptied():
            super().close()
            return
        with _lock:
            self.is_idle = True
            _kept.append(self)
            surplus = _kept[:-MOST]
            del _kept[:-MOST]
        for one in surplus:
            one.end()

    def end(self) -> None:
        """Close the session."""
        super().close()

    def _is_emptied(self) -> bool:
        try:
            self.rollback()
            self.set_session("DEFAULT", "DEFAULT", "DEFAULT", autocommit=True)
            with super().cursor() as cursor:
                cursor.execute("discard all")
            self.autocommit = False
        except psycopg2.Error:
            return False
        return True

    @property
    def is_usable(self) -> bool:
        """True where the server has not ended it."""
        return not self.closed and not select.select([self], [], [], 0)[0]


def keep(patch: pytest.MonkeyPatch, host: str) -> None:
    """Let `Database.open` take sessions that are kept, of the server with this socket alone."""
    connect: Callable[..., Watched] = Database._session

    def session(self: Database, application: str) -> Watched:
        address = (
            os.getpid(),
            *sorted((name, str(value)) for name, value in {**self._client, **self.params}.items()),
        )
        if not _is_on or self.params.get("host") != host:
            return connect(self, application)
        with _lock:
            found = next((one for one in _kept if one.address == address), None)
            if found is not None:
                _kept.remove(found)
        if found is None or not found.is_usable:
            made: Any = connect(self, application)
            made.address = address
            return made
        found.is_idle, found.moved, found.given_up = False, 0, ""
        found.autocommit = True
        db.execute(found, "select set_config('application_name', %(name)s, false)", {"name": application})
        found.autocommit = False
        return found

    patch.setattr(db, "Watched", Kept)
    patch.setattr(Database, "_session", session)


@contextmanager
def new_ones() -> Iterator[None]:
    """Let each session be a new one meanwhile, and end with its connection."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.sessions._is_on", False)
        yield


def end(name: str) -> None:
    """Close what is kept of a database: nobody copies one that has sessions."""
    with _lock:
        ended = [one for one in _kept if one.info.dbname == name]
        for one in ended:
            _kept.remove(one)
    for one in ended:
        one.end()
