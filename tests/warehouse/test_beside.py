"""Parts side by side: each in its own transaction, all ended when one fails."""

import threading

import psycopg2.errors
import pytest

from segmentation.warehouse import beside, db

PATIENCE_SECONDS = 60


@pytest.fixture
def database(new_database):
    made = new_database()
    with made.connect() as conn:
        db.execute(conn, "create table done (part integer)")
    return made


def put(part: int) -> beside.Part:
    return lambda conn: db.execute(conn, "insert into done values (%(part)s)", {"part": part})


def parts_done(database: db.Database) -> list[int]:
    with database.connect() as conn:
        return [row["part"] for row in db.rows(conn, "select part from done order by part")]


def test_all_parts_are_done_two_at_once_and_something_meanwhile(database):
    together = threading.Barrier(beside.SESSIONS + 1, timeout=PATIENCE_SECONDS)

    def meets(conn: db.Connection) -> None:
        put(1)(conn)
        together.wait()

    beside.run(database, [meets] * beside.SESSIONS + [put(2), put(3)], meanwhile=together.wait)
    assert parts_done(database) == [1, 1, 2, 3]


def test_what_one_raises_is_raised_and_ends_the_others(database):
    begun = threading.Event()

    def lasts(conn: db.Connection) -> None:
        put(1)(conn)
        begun.set()
        db.execute(conn, f"select pg_sleep({PATIENCE_SECONDS})")

    def fails(conn: db.Connection) -> None:
        begun.wait(PATIENCE_SECONDS)
        db.execute(conn, "select 1 / 0")

    with pytest.raises(psycopg2.errors.DivisionByZero):
        beside.run(database, [lasts, fails, put(3)])
    assert parts_done(database) == []
    with database.connect() as conn:
        asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
        assert db.scalar(conn, asleep) == 0


def test_who_is_told_to_stop_takes_the_parts_along(database):
    begun = threading.Event()

    def lasts(conn: db.Connection) -> None:
        begun.set()
        db.execute(conn, f"select pg_sleep({PATIENCE_SECONDS})")

    def stop() -> None:
        begun.wait(PATIENCE_SECONDS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        beside.run(database, [lasts, lasts, put(3)], meanwhile=stop)
    assert parts_done(database) == []


def test_a_part_that_is_held_is_kept_with_what_is_done_within(database):
    with beside.held(database, put(1)), database.connect() as conn:
        put(2)(conn)
    assert parts_done(database) == [1, 2]


def test_a_fault_within_ends_the_part_that_is_held(database):
    begun = threading.Event()

    def lasts(conn: db.Connection) -> None:
        put(1)(conn)
        begun.set()
        db.execute(conn, f"select pg_sleep({PATIENCE_SECONDS})")

    with pytest.raises(KeyboardInterrupt), beside.held(database, lasts), database.connect() as conn:
        put(2)(conn)
        begun.wait(PATIENCE_SECONDS)
        raise KeyboardInterrupt
    assert parts_done(database) == []


def test_a_fault_of_the_part_that_is_held_leaves_nothing_of_it(database):
    def fails(conn: db.Connection) -> None:
        put(1)(conn)
        db.execute(conn, "select 1 / 0")

    with pytest.raises(psycopg2.errors.DivisionByZero), beside.held(database, fails):
        pass
    assert parts_done(database) == []
