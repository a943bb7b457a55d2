"""Counts how often the database is asked: each statement or COPY that psycopg2 sends."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import psycopg2.extensions
import pytest

from tests import sessions


@contextmanager
def counted() -> Iterator[list[str]]:
    """The first line of each statement that is sent meanwhile, over any connection made meanwhile."""
    sent: list[str] = []
    connect = psycopg2.connect

    def watched(kind: type[psycopg2.extensions.cursor]) -> type[psycopg2.extensions.cursor]:
        class Cursor(kind):
            def execute(self, query, vars=None):
                sent.append(_line(query, self))
                return super().execute(query, vars)

            def copy_expert(self, sql, file, size=8192):
                sent.append(_line(sql, self))
                return super().copy_expert(sql, file, size)

        return Cursor

    def opened(*args, connection_factory=psycopg2.extensions.connection, **params):
        class Connection(connection_factory):
            def cursor(self, *args, cursor_factory=psycopg2.extensions.cursor, **kwargs):
                return super().cursor(*args, cursor_factory=watched(cursor_factory), **kwargs)

        return connect(*args, connection_factory=Connection, **params)

    with sessions.new_ones(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg2, "connect", opened)
        yield sent


def _line(query: object, cursor: psycopg2.extensions.cursor) -> str:
    text = query.as_string(cursor) if hasattr(query, "as_string") else str(query)
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and not line.startswith("--")), "")
