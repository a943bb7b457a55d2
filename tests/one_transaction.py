"""A database of one connection, whose transactions are parts of one: what a test does is rolled back after it.

That is many times quicker than a copy of the database, or than tables that are emptied. What waits for
another session, or is to be seen by one, needs real transactions.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from segmentation.warehouse import db
from segmentation.warehouse.db import Database

END = "discard temp; release savepoint part"  # temporary tables are there until a transaction ends


class OneTransaction(Database):
    """A database whose parameters are a `connection` that is open."""

    @contextmanager
    def connect(self, *, readonly: bool = False, timezone: str | None = None) -> Iterator[db.Connection]:
        """A savepoint of the one transaction."""
        connection = self.params["connection"]
        db.execute(connection, "savepoint part")
        before = db.scalar(connection, "select current_setting('timezone')")
        try:
            if timezone:
                db.execute(connection, "select set_config('timezone', %(tz)s, true)", {"tz": timezone})
            yield connection
        except BaseException:
            db.execute(connection, "rollback to savepoint part")
            raise
        if timezone:
            db.execute(connection, "select set_config('timezone', %(tz)s, true)", {"tz": before})
        db.execute(connection, END)

    def roll_back(self) -> None:
        """Undo all that was done."""
        self.params["connection"].rollback()
