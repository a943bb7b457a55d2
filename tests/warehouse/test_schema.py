"""Migrations: brought up to date once, however often and by however many it is asked for."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg2
import psycopg2.errors
import pytest

from segmentation.errors import WarehouseError
from segmentation.local import postgres
from segmentation.settings import DatabaseLimits
from segmentation.warehouse import db, schema
from segmentation.warehouse.db import Database

NEWEST = max(file.name[:4] for file in (schema.MIGRATIONS / "versions").glob("[0-9]*.py"))
SCHEMAS = {
    "operations",
    "privacy",
    "staging",
    "quarantine",
    "core",
    "features",
    "quality",
    "segments",
    "publishing",
}


def schemas(database: Database) -> set[str]:
    with database.connect(readonly=True) as conn:
        found = db.rows(
            conn, "select nspname as name from pg_namespace where nspname !~ '^(pg_|information|public)'"
        )
    return {row["name"] for row in found}


def relations(database: Database) -> list[tuple]:
    """Every table and view with its columns and their types."""
    query = """
        select table_schema, table_name, column_name, data_type, is_nullable
        from information_schema.columns where table_schema = any(%s) order by 1, 2, ordinal_position
    """
    with database.connect(readonly=True) as conn, conn.cursor() as cursor:
        cursor.execute(query, (sorted(SCHEMAS),))
        return cursor.fetchall()


def test_an_empty_database_becomes_a_warehouse(new_database):
    database = new_database()
    assert schema.version(database) is None
    schema.migrate(database)
    assert schema.version(database) == NEWEST
    assert schemas(database) == SCHEMAS


def test_migrating_again_changes_nothing(new_database):
    database = new_database()
    schema.migrate(database)
    with database.connect() as conn:
        db.execute(conn, "insert into staging.watermarks values ('orders', '2024-06-03')")
    before = relations(database)
    schema.migrate(database)
    assert relations(database) == before
    with database.connect() as conn:
        assert db.scalar(conn, "select count(*) from staging.watermarks") == 1


def test_several_at_the_same_time_wait_for_the_first(new_database):
    database = new_database()
    ready, failures = threading.Barrier(3), []

    def migrate() -> None:
        ready.wait()
        try:
            schema.migrate(database)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert schema.version(database) == NEWEST
    assert schemas(database) == SCHEMAS


def test_a_migration_names_who_is_in_its_way_and_lets_all_others_by(new_database):
    """Readers queued for seconds behind a migration that waited for one idle reader."""
    database = new_database()
    schema.migrate(database, to="0031")
    reading = "select count(*) from segments.segment_playbook"  # which the migration after it changes
    impatient = replace(database, name="warehouse", limits=DatabaseLimits(wait_seconds=4))
    answered, over = 0, threading.Event()

    def poll() -> None:
        nonlocal answered
        options = "-c lock_timeout=500ms"
        with closing(psycopg2.connect(**database.params, options=options)) as reader:
            reader.autocommit = True
            while not over.wait(0.02):
                db.scalar(reader, reading)
                answered += 1

    with ThreadPoolExecutor() as threads:
        polling = threads.submit(poll)
        try:
            with closing(psycopg2.connect(**database.params, application_name="a notebook")) as idle:
                db.scalar(idle, reading)
                with pytest.raises(
                    WarehouseError,
                    match=r"cannot be brought up to date: .*session \d+ \(application 'a notebook'",
                ):
                    schema.migrate(impatient)
        finally:
            over.set()
        polling.result()  # nobody waited for more than half a second
    assert answered > 10
    schema.migrate(impatient)
    assert schema.version(database) == NEWEST


def test_a_migration_that_fails_leaves_an_empty_database(new_database):
    database = new_database()
    with database.connect() as conn:
        db.execute(conn, "create schema publishing")  # the last schema that the migration makes
    with pytest.raises(Exception, match="publishing"):
        schema.migrate(database)
    assert schemas(database) == {"publishing"}
    assert schema.version(database) is None


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        # two live runs of a date
        (
            "insert into segments.runs (run_id, as_of_date, status) "
            "values ('a', '2024-06-03', 'running'), ('b', '2024-06-03', 'running')",
            psycopg2.errors.UniqueViolation,
        ),
        # a confidence that is none
        (
            "create table segments.p partition of segments.customer_segments for values in ('2024-06-03');"
            "insert into segments.customer_segments values ('2024-06-03', 'a', 1, 1.5, false, null, 'r')",
            psycopg2.errors.CheckViolation,
        ),
        # a customer without a segment
        (
            "create table segments.p partition of segments.customer_segments for values in ('2024-06-03');"
            "insert into segments.customer_segments values ('2024-06-03', 'a', null, 1, false, null, 'r')",
            psycopg2.errors.NotNullViolation,
        ),
        # counts that do not balance
        (
            "insert into core.row_counts values ('r', 'orders', 3, 1, 1, 0)",
            psycopg2.errors.CheckViolation,
        ),
        # a status that does not exist
        (
            "insert into segments.runs (run_id, as_of_date, status) values ('a', '2024-06-03', 'done')",
            psycopg2.errors.CheckViolation,
        ),
    ],
)
def test_the_schema_refuses_what_must_not_be(warehouse, statement, error):
    with pytest.raises(error):
        db.execute(warehouse, statement)


def test_customers_sort_the_same_on_every_server(warehouse):
    """By bytes: capital letters first, whatever the server's language."""
    db.execute(
        warehouse,
        "insert into staging.labels values ('b', 'x'), ('B', 'x'), ('a', 'x'), ('10', 'x'), ('9', 'x')",
    )
    found = db.rows(warehouse, "select customer_id as id from staging.labels order by customer_id")
    assert [row["id"] for row in found] == ["10", "9", "B", "a", "b"]


@pytest.mark.parametrize(
    ("gibibytes", "buffers", "work"), [(2, 256, 32), (16, 2048, 128), (24, 3072, 192), (512, 4096, 256)]
)
def test_the_embedded_server_takes_shares_of_the_memory_within_bounds(gibibytes, buffers, work):
    written = postgres.configuration(gibibytes << 30, Path("/run/socket"))
    assert f"shared_buffers = {buffers}MB" in written
    assert f"work_mem = {work}MB" in written
