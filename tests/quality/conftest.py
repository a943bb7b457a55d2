"""The night of a small healthy shop."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from segmentation.features import table
from segmentation.ingestion import cleaning
from segmentation.runs.night import Night
from segmentation.settings import Quality, Settings, Shop
from segmentation.warehouse import db
from segmentation.warehouse.db import Database
from tests.one_transaction import OneTransaction
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


@pytest.fixture(scope="session")
def one_connection(new_database, healthy) -> Iterator[db.Connection]:
    """A connection to a copy of the healthy shop."""
    with closing(new_database(healthy).open()) as connection:
        yield connection


@pytest.fixture
def night(one_connection, night_of, tmp_path) -> Iterator[Night]:
    """The night of the healthy shop; what is changed is changed back after the test."""
    yield night_of(OneTransaction("healthy", {"connection": one_connection}), tmp_path / "store")
    one_connection.rollback()


@pytest.fixture
def own_database(new_database, healthy) -> Database:
    """A copy of the healthy shop's warehouse, with real transactions."""
    return new_database(healthy)
