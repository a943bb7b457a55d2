"""Partitions by date: filled apart, put in place in one step, with nobody kept waiting."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import psycopg2
import psycopg2.errors
import pytest

from segmentation.warehouse import db, partitions
from segmentation.warehouse.db import Database

DAY, OTHER = date(2024, 6, 3), date(2024, 6, 4)
TABLE = ("segments", "customer_segments")


def put(conn: db.Connection, day: date, *customers: str) -> None:
    """Stage a date with these customers, and put it in place."""
    staged = partitions.stage(conn, *TABLE, day)
    fill(conn, staged, day, *customers)
    partitions.replace(conn, *TABLE, day)


def fill(conn: db.Connection, table: str, day: date, *customers: str) -> None:
    for customer in customers:
        db.execute(
            conn,
            f"insert into {table} (as_of_date, customer_id, segment_id, confidence, is_outlier, run_id) "
            "values (%(day)s, %(customer)s, 1, 1, false, 'run')",
            {"day": day, "customer": customer},
        )


def customers(conn: db.Connection, day: date) -> list[str]:
    query = "select customer_id from segments.customer_segments where as_of_date = %(d)s order by 1"
    return [row["customer_id"] for row in db.rows(conn, query, {"d": day})]


def value(conn: db.Connection, query: str, **params: Any) -> Any:
    return db.scalar(conn, query, params)


def test_a_partition_is_named_after_its_date():
    assert partitions.name("customer_segments", date(2011, 12, 1)) == "customer_segments_20111201"


def test_a_new_date_becomes_a_partition(warehouse):
    put(warehouse, DAY, "a", "b")
    put(warehouse, OTHER, "c")
    assert customers(warehouse, DAY) == ["a", "b"]
    assert customers(warehouse, OTHER) == ["c"]
    assert value(warehouse, "select count(*) from segments.customer_segments_20240603") == 2
    # the key of the parent holds in it, and the help to attach it is gone
    keys = "select count(*) from pg_constraint where contype = 'p' and conrelid = %(t)s::regclass"
    assert value(warehouse, keys, t="segments.customer_segments_20240603") == 1
    assert not value(warehouse, "select count(*) from pg_constraint where conname = 'one_date'")


def test_a_date_that_is_there_is_exchanged(warehouse):
    put(warehouse, DAY, "a", "b")
    put(warehouse, OTHER, "c")
    before = value(warehouse, "select 'segments.customer_segments_20240603'::regclass::oid")
    put(warehouse, DAY, "b", "d", "e")
    assert customers(warehouse, DAY) == ["b", "d", "e"]
    assert customers(warehouse, OTHER) == ["c"]
    assert value(warehouse, "select 'segments.customer_segments_20240603'::regclass::oid") == before
    assert value(warehouse, "select to_regclass('publishing.customer_segments_20240603')") is None


def test_a_date_may_become_empty(warehouse):
    put(warehouse, DAY, "a")
    put(warehouse, DAY)
    assert customers(warehouse, DAY) == []


def test_staging_again_forgets_what_a_dead_run_left(warehouse):
    fill(warehouse, partitions.stage(warehouse, *TABLE, DAY), DAY, "left behind")
    warehouse.commit()
    put(warehouse, DAY, "a")
    assert customers(warehouse, DAY) == ["a"]


def test_rows_of_another_date_cannot_be_staged(warehouse):
    staged = partitions.stage(warehouse, *TABLE, DAY)
    with pytest.raises(psycopg2.errors.CheckViolation):
        fill(warehouse, staged, OTHER, "a")


def test_a_customer_is_there_once(warehouse):
    staged = partitions.stage(warehouse, *TABLE, DAY)
    with pytest.raises(psycopg2.errors.UniqueViolation):
        fill(warehouse, staged, DAY, "a", "a")


def test_what_is_staged_is_seen_by_nobody(warehouse):
    fill(warehouse, partitions.stage(warehouse, *TABLE, DAY), DAY, "a")
    assert customers(warehouse, DAY) == []


@pytest.mark.parametrize("day", [DAY, OTHER])
def test_a_reader_in_the_middle_of_a_query_keeps_nobody_waiting(warehouse, warehouse_db, day):
    """Both the date that is read and a new one are put in place while somebody reads."""
    put(warehouse, DAY, "a")
    warehouse.commit()
    reader = psycopg2.connect(**warehouse_db.params)
    try:
        assert customers(reader, DAY) == ["a"]  # and its transaction stays open
        db.execute(warehouse, "set local lock_timeout = '2s'")
        put(warehouse, day, "b")
        assert customers(reader, day) == (["a"] if day == DAY else [])
        warehouse.commit()
        assert customers(reader, day) == ["b"]
    finally:
        reader.close()


def test_nothing_of_a_transaction_that_fails_is_there(warehouse):
    put(warehouse, DAY, "a")
    warehouse.commit()
    put(warehouse, DAY, "b")
    put(warehouse, OTHER, "c")
    warehouse.rollback()
    assert customers(warehouse, DAY) == ["a"]
    assert value(warehouse, "select to_regclass('segments.customer_segments_20240604')") is None


def test_a_column_that_came_after_the_partition_is_exchanged_too(warehouse):
    put(warehouse, DAY, "a")
    db.execute(warehouse, "alter table segments.customer_segments add column note text")
    staged = partitions.stage(warehouse, *TABLE, DAY)
    fill(warehouse, staged, DAY, "a")
    db.execute(warehouse, f"update {staged} set note = 'new'")
    partitions.replace(warehouse, *TABLE, DAY)
    assert value(warehouse, "select note from segments.customer_segments") == "new"


@contextmanager
def roles(database: Database, *names: str) -> Iterator[list[Database]]:
    """Log-ins that are no superusers, and may read the table."""
    with closing(psycopg2.connect(**database.params)) as conn:
        conn.autocommit = True
        for name in names:
            db.execute(conn, f"create role {name} login in role reader")
        yield [replace(database, params={**database.params, "user": name}) for name in names]
        for name in names:
            db.execute(conn, f"drop role {name}")


def test_who_stays_in_a_transaction_is_known_without_a_right_to_others_statistics(warehouse_db, monkeypatch):
    """The time since when another user's session is in its transaction is hidden from whoever is no superuser."""
    monkeypatch.setattr(partitions, "LASTING_SECONDS", 0.5)
    table = "segments.customer_segments"
    with (
        roles(warehouse_db, "nights_of_a_test", "bi_of_a_test") as (nights, bi),
        closing(psycopg2.connect(**nights.params)) as own,
        closing(psycopg2.connect(**bi.params, application_name="passing")) as passing,
        closing(psycopg2.connect(**bi.params, application_name="a BI tool")) as idle,
    ):
        assert partitions.lasting_users(own, table) == ()
        db.scalar(passing, f"select count(*) from {table}")
        sleep = time.sleep

        def pass_by(seconds: float) -> None:
            """The same session, in another transaction when it is looked at again."""
            passing.rollback()
            db.scalar(passing, f"select count(*) from {table}")
            sleep(seconds)

        monkeypatch.setattr(time, "sleep", pass_by)
        assert partitions.lasting_users(own, table) == ()
        db.scalar(idle, f"select count(*) from {table}")
        (found,) = partitions.lasting_users(own, table)
    assert (found.application, found.user, found.since) == ("a BI tool", "bi_of_a_test", None)
