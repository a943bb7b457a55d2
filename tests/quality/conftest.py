"""The night of a small healthy shop."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from segmentation.features import table
from segmentation.ingestion import cleaning
from segmentation.runs.night import Night
from segmentation.settings import Quality, Settings, Shop
from segmentation.warehouse import db
from segmentation.warehouse.db import Database
from tests.quality.healthy import AS_OF, FIRST, LOADS, PUBLISHED, SHOP, quiet


@pytest.fixture(scope="session")
def night_of(tmp_path_factory) -> Callable[..., Night]:
    """Makes a night of a warehouse; shares are judged from eight rows on."""

    def make(
        warehouse: Database, store: Path | None = None, source: str = "demo", **quality: object
    ) -> Night:
        settings = Settings(
            shop=Shop(source=source, timezone="UTC"), quality=Quality(**{"min_rows": 8, **quality})
        )
        return Night(
            "run-1", AS_OF, settings, warehouse, warehouse, store or tmp_path_factory.mktemp("store")
        )

    return make


@pytest.fixture(scope="session")
def healthy(new_database, migrated, night_of) -> str:
    """A database to copy from: a healthy shop after cleaning and features, with a parent date."""
    database = new_database(migrated)
    night = night_of(database)
    with database.connect() as conn:
        db.execute(conn, SHOP)
        db.execute(conn, LOADS)
    cleaning.run(night, None, AS_OF, quiet)
    cleaning.run(night, FIRST, AS_OF, quiet)
    table.roll_up(night, None, AS_OF)
    table.build(night, quiet)
    with database.connect() as conn:
        db.execute(conn, PUBLISHED)
    return database.params["dbname"]


class OneTransaction(Database):
    """A database whose connections are one connection, and whose transactions are parts of one.

    What a test does is rolled back after it, which is a hundred times quicker than a copy of the database.
    """

    @contextmanager
    def connect(self, **_: object) -> Iterator[db.Connection]:
        """A savepoint of the one transaction."""
        connection = self.params["connection"]
        db.execute(connection, "savepoint part")
        try:
            yield connection
        except BaseException:
            db.execute(connection, "rollback to savepoint part")
            raise
        db.execute(connection, "release savepoint part")


@pytest.fixture(scope="session")
def one_connection(new_database, healthy) -> Iterator[db.Connection]:
    """A connection to a copy of the healthy shop."""
    connection = psycopg2.connect(**new_database(healthy).params)
    yield connection
    connection.close()


@pytest.fixture
def night(one_connection, night_of, tmp_path) -> Iterator[Night]:
    """The night of the healthy shop; what is changed is changed back after the test."""
    yield night_of(OneTransaction("healthy", {"connection": one_connection}), tmp_path / "store")
    one_connection.rollback()


@pytest.fixture
def own_database(new_database, healthy) -> Database:
    """A copy of the healthy shop's warehouse, with real transactions."""
    return new_database(healthy)
