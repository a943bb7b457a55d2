"""A small shop whose databases the tests of a module share."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from segmentation.features import table as features
from tests.one_transaction import OneTransaction
from tests.small_shop import SELECTS, SmallShop, make_source, select


@pytest.fixture(scope="module")
def shop(new_database, migrated, tmp_path_factory) -> Iterator[SmallShop]:
    """One pair of databases; what an example or a test has done is rolled back before the next."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("features")
        make_source(patch, folder, {table: select(table) for table in SELECTS})
        database = new_database(migrated)
        features.prepare(database)  # as each night begins
        with closing(database.open()) as connection:
            warehouse = OneTransaction("warehouse", {"connection": connection})
            small = SmallShop(new_database(), warehouse, folder)
            small.create()
            yield small
