"""The locks of the warehouse: named in one place, and held as they say."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg2
import psycopg2.errors
import pytest

from segmentation.errors import WarehouseError
from segmentation.runs import dag_ids
from segmentation.settings import DatabaseLimits
from segmentation.warehouse import locks, schema

PROJECT = Path(__file__).parents[2]
LOCKS = PROJECT / "include" / "segmentation" / "warehouse" / "locks.py"
DAG_IDS = PROJECT / "include" / "segmentation" / "runs" / "dag_ids.py"


def code() -> list[Path]:
    """Python and SQL of the project, without its tests."""
    rooms = ("include", "dags", "plugins", "benchmarks", "scripts")
    return [
        f for room in rooms for kind in ("py", "sql") for f in sorted((PROJECT / room).rglob(f"*.{kind}"))
    ]


def literals(file: Path, *texts: str) -> list[str]:
    """Lines that have one of the texts as a whole string."""
    wanted = re.compile("|".join(rf"""["']{re.escape(text)}["']""" for text in texts))
    return [
        f"{file.relative_to(PROJECT)}: {line.strip()}"
        for line in file.read_text().splitlines()
        if wanted.search(line)
    ]


def test_no_other_file_takes_an_advisory_lock_or_names_one():
    names = [lock.name for lock in vars(locks).values() if isinstance(lock, locks.Lock)]
    assert len(names) == len(set(names)) >= 6
    files = code()
    assert LOCKS in files
    for file in files:
        text = file.read_text()
        if file == LOCKS:
            assert "pg_advisory_xact_lock" in text
        elif file.parent.name != "schema":  # what a migration did is history
            assert "advisory" not in text.lower(), file
            assert literals(file, *names) == []


def test_the_ids_of_dags_and_the_pool_are_named_once():
    ids = (dag_ids.NIGHT, dag_ids.MAINTENANCE, dag_ids.FIT_POOL)
    assert len(literals(DAG_IDS, *ids)) == len(ids)
    assert [line for file in code() if file != DAG_IDS for line in literals(file, *ids)] == []


@pytest.fixture
def other(warehouse_db):
    """A second connection, which waits for nothing."""
    connection = psycopg2.connect(**warehouse_db.params, options="-c lock_timeout=100ms")
    yield connection
    connection.close()


def test_a_lock_is_held_until_the_transaction_ends_and_is_no_other(warehouse, other):
    locks.hold(warehouse, locks.features_of(date(2024, 1, 1)))
    locks.hold(other, locks.features_of(date(2024, 1, 2)))
    locks.hold(other, locks.DAYS)
    other.commit()
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        locks.hold(other, locks.features_of(date(2024, 1, 1)))
    other.rollback()
    warehouse.rollback()
    locks.hold(other, locks.features_of(date(2024, 1, 1)))


def test_who_shares_a_lock_keeps_out_who_holds_it_and_nobody_else(warehouse, other):
    locks.share(warehouse, locks.DAYS)
    locks.share(other, locks.DAYS)
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        locks.hold(other, locks.DAYS)


def test_a_migration_waits_for_another_one(new_database):
    empty = new_database()
    first = psycopg2.connect(**empty.params, application_name="another night")
    locks.hold(first, locks.SCHEMA)
    options = {**empty.params, "options": "-c lock_timeout=1s"}
    impatient = replace(empty, params=options, limits=DatabaseLimits(wait_seconds=1))
    with pytest.raises(WarehouseError, match=r"cannot be brought up to date: .*application 'another night'"):
        schema.migrate(impatient)
    assert schema.version(empty) is None
    first.close()
    schema.migrate(empty)
    assert schema.version(empty) == schema.newest()
