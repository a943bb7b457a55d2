"""Databases that do not answer: nothing waits for ever, and the first error is the one that is told."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date

import psycopg2
import pytest

from segmentation.errors import NoAnswer, SettingsError, ShopError, WarehouseError
from segmentation.settings import DatabaseLimits
from segmentation.warehouse import db, locks, schema, tries, watch
from segmentation.warehouse.db import Database
from tests.faults.proxy import Proxy


def limited(database: Database, name: str = "warehouse", **limits: int) -> Database:
    return replace(database, name=name, limits=DatabaseLimits(**limits))


@pytest.fixture
def proxy(warehouse_db) -> Iterator[Proxy]:
    with closing(Proxy(warehouse_db)) as between:
        yield between


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(watch, "GRACE_SECONDS", 1)


def test_a_server_that_goes_silent_within_a_copy_is_given_up(warehouse_db, proxy, impatient):
    """A COPY of a shop that went silent lasted as long as the shop was silent, and with it the night."""
    shop = limited(proxy.proxied, "shop", silence_seconds=2)
    with warehouse_db.connect() as conn:
        db.execute(conn, "create table copied (line text)")
    proxy.silent_after = 1 << 18
    began = time.monotonic()
    with (
        pytest.raises(
            ShopError, match="the shop did not answer: nothing came for 2 s in the middle of a COPY"
        ),
        warehouse_db.connect() as target,
        shop.connect(readonly=True) as source,
    ):
        db.copy_across(
            source,
            "select repeat('x', 1000) from generate_series(1, 100000)",
            target,
            ("public", "copied"),
            ["line"],
        )
    assert time.monotonic() - began < 60
    with warehouse_db.connect() as conn:
        assert db.scalar(conn, "select count(*) from copied") == 0


def test_a_statement_that_is_never_answered_is_given_up(proxy, impatient):
    warehouse = limited(proxy.proxied, statement_seconds=2)
    with (
        pytest.raises(
            WarehouseError, match="the warehouse did not answer: no answer to a statement within 2 s"
        ),
        warehouse.connect() as conn,
    ):
        proxy.silence()
        db.scalar(conn, "select 1")


def test_a_connection_that_is_cut_is_told_and_not_what_followed(proxy):
    """`InterfaceError: connection already closed` was told: the error of the rollback."""
    with (
        pytest.raises(WarehouseError, match="did not answer: server closed the connection unexpectedly"),
        proxy.proxied.connect() as conn,
    ):
        db.execute(conn, "select 1")
        proxy.cut()
        db.execute(conn, "select 2")


def test_a_server_that_accepts_nothing_is_told_at_once(warehouse_db):
    nobody = limited(replace(warehouse_db, params={**warehouse_db.params, "host": "127.0.0.1", "port": 1}))
    began = time.monotonic()
    with (
        pytest.raises(WarehouseError, match="the warehouse accepts no connection"),
        nobody.connect(),
    ):
        pass
    assert time.monotonic() - began < 60


def test_a_server_that_never_greets_is_given_up(proxy):
    proxy.silence()
    with (
        pytest.raises(NoAnswer, match="timeout expired"),
        limited(proxy.proxied, connect_seconds=2).connect(),
    ):
        pass


def test_a_server_that_goes_away_before_the_first_statement_is_asked_again(proxy):
    """It was refused at once, with no other try: a server that restarts does so to whoever has just come."""
    greeted = 1 << 20
    proxy.cut_after = greeted
    psycopg2.connect(**proxy.proxied.params, application_name="segmentation warehouse").close()
    proxy.cut_after = greeted - proxy.cut_after + 20
    with limited(proxy.proxied).connect() as conn:
        assert db.scalar(conn, "select 1") == 1
    assert proxy.cut_after is None, "nothing was cut"


def test_a_warehouse_that_can_only_be_read_is_told_in_words(warehouse_db):
    """A standby, say; `ReadOnlySqlTransaction` was told."""
    options = "-c default_transaction_read_only=on"
    standby = replace(warehouse_db, name="warehouse", params={**warehouse_db.params, "options": options})
    with (
        pytest.raises(WarehouseError, match=r"the warehouse can only be read: cannot execute .*its primary"),
        standby.connect() as conn,
    ):
        db.execute(conn, "create table written (line text)")


class Greeter:
    """A port that answers as a Postgres does that recovers, so many times, and then forwards to one."""

    def __init__(self, database: Database, times: int, words: str) -> None:
        self.proxy, self.times, self.words = Proxy(database), times, words
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        with suppress(OSError):
            for _ in range(self.times):
                client, _ = self.listener.accept()
                while (size := int.from_bytes(client.recv(4), "big")) == 8:  # asks for encryption
                    client.recv(4)
                    client.sendall(b"N")
                client.recv(size - 4)
                fields = f"SFATAL\0VFATAL\0C57P03\0M{self.words}\0\0".encode()
                client.sendall(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
                client.close()

    @property
    def database(self) -> Database:
        params = {**self.proxy.database.params, "host": "127.0.0.1", "port": self.listener.getsockname()[1]}
        return Database("warehouse", params, DatabaseLimits(recover_seconds=3))


@pytest.mark.parametrize(
    "words", ["the database system is in recovery mode", "sorry, too many clients already"]
)
def test_a_server_that_recovers_is_waited_for_and_that_is_said(warehouse_db, words, caplog):
    caplog.set_level(logging.INFO, logger="segmentation")
    greeter = Greeter(warehouse_db, 99, words)
    with (
        pytest.raises(WarehouseError, match=rf"accepts no connection for [3-9] s: {words}"),
        greeter.database.connect(),
    ):
        pass
    waits = [record.message for record in caplog.records if "waiting" in record.message]
    assert len(waits) == 1
    assert words in waits[0]


@pytest.mark.parametrize(
    "words",
    ["could not write init file: No space left on device", "could not extend file: No space left on device"],
)
def test_a_session_that_cannot_begin_on_a_full_disk_names_the_disk(warehouse_db, words):
    """Such a refusal has no error code, only words."""
    full = Greeter(warehouse_db, 1, words).database
    with (
        pytest.raises(WarehouseError, match=rf"the disk of the warehouse is full: {words}; make room"),
        full.connect(),
    ):
        pass


def test_limits_of_the_server_and_of_the_connection_stay(warehouse_db):
    own = {**warehouse_db.params, "options": "-c statement_timeout=1234"}
    with Database("warehouse", own).connect() as conn:
        assert db.scalar(conn, "show statement_timeout") == "1234ms"
        assert db.scalar(conn, "show lock_timeout") == "2min"
        assert db.scalar(conn, "show idle_in_transaction_session_timeout") == "2h"
        assert conn.get_dsn_parameters()["tcp_user_timeout"] == "60000"


def test_who_has_the_lock_is_named_without_what_it_asks(warehouse_db, caplog):
    caplog.set_level(logging.INFO, logger="segmentation")
    impatient = limited(warehouse_db, lock_seconds=5)
    with closing(psycopg2.connect(**warehouse_db.params, application_name="a BI tool")) as holder:
        db.execute(holder, "lock table core.orders; select 'jane@example.org'")
        with pytest.raises(WarehouseError) as raised, impatient.connect() as conn:
            db.execute(conn, "delete from core.orders")
        said = str(raised.value)
        assert f"session {holder.info.backend_pid} (application 'a BI tool'" in said
        assert "idle in transaction since" in said
        assert "jane" not in said + caplog.text
        assert "waiting for a lock in the warehouse: session" in caplog.text


def test_a_lock_that_readers_would_queue_behind_is_tried_and_not_waited_for(warehouse_db):
    """`alter table` behind an idle reader had every other reader wait behind it."""
    reading = "select count(*) from features.customer_features"
    with (
        closing(psycopg2.connect(**warehouse_db.params)) as idle,
        closing(psycopg2.connect(**warehouse_db.params)) as reader,
        limited(warehouse_db, lock_seconds=60).connect() as conn,
    ):
        db.scalar(idle, reading)
        changing = threading.Thread(
            target=tries.patiently,
            args=(conn, "alter table features.customer_features add column more integer"),
        )
        changing.start()
        longest = 0.0
        for _ in range(15):
            began = time.monotonic()
            db.scalar(reader, reading)
            reader.rollback()
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.05)
        idle.rollback()
        changing.join(60)
        assert longest < 10, "behind the change it would be a minute"
        assert db.scalar(conn, "select count(more) from features.customer_features") == 0


def test_who_is_in_the_way_of_what_is_tried_for_moments_is_named(warehouse_db):
    """`another session has it` was told: no try lasted long enough for the watch to look."""
    with (
        closing(psycopg2.connect(**warehouse_db.params, application_name="a notebook")) as idle,
        pytest.raises(WarehouseError, match=r"session \d+ \(application 'a notebook', .* has it"),
        limited(warehouse_db, lock_seconds=2).connect() as conn,
    ):
        db.scalar(idle, "select count(*) from features.customer_features")
        tries.patiently(conn, "alter table features.customer_features add column more integer")


@pytest.fixture
def vacuumed(warehouse_db, server) -> Iterator[str]:
    """A table of a role of its own that the server's autovacuum is at work on for minutes."""
    with closing(psycopg2.connect(**warehouse_db.params)) as conn:
        conn.autocommit = True
        db.execute(conn, "alter system set autovacuum_naptime = '1s'")
        db.execute(conn, "select pg_reload_conf()")
        db.execute(
            conn,
            """
            create role keeper login;
            grant create, usage on schema public to keeper;
            create table public.slow (number integer, filler text) with (
                autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
                autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0
            );
            alter table public.slow owner to keeper;
            insert into public.slow select i, repeat('x', 500) from generate_series(1, 20000) as i;
            delete from public.slow where number %% 2 = 0
            """,
        )
        try:
            working = (
                "select count(*) from pg_stat_activity where query like 'autovacuum: VACUUM%%public.slow'"
            )
            ends = time.monotonic() + 60
            while not db.scalar(conn, working):
                assert time.monotonic() < ends, "no vacuum began"
                time.sleep(0.1)
            yield "public.slow"
        finally:
            db.execute(conn, "alter system reset autovacuum_naptime")
            db.execute(conn, "select pg_reload_conf()")
            db.execute(conn, "drop owned by keeper; drop role keeper")


def test_a_vacuum_of_the_server_gives_way_to_what_is_tried_for_moments(warehouse_db, vacuumed):
    """Moments are shorter than the time after which the server ends one: it was waited for, for minutes."""
    keeper = replace(warehouse_db, params={**warehouse_db.params, "user": "keeper"})
    with limited(keeper, lock_seconds=30).connect() as conn:
        tries.patiently(conn, f"alter table {vacuumed} add column more integer")


def test_a_vacuum_that_is_in_the_way_is_named_as_the_servers():
    vacuum = watch.Session(pid=7, application="", user=None, state=None, since=None)
    assert watch.words((vacuum,)) == "autovacuum (process 7 of the server)"


def test_a_reader_can_take_no_lock_of_a_night(warehouse_db):
    with warehouse_db.connect() as conn:
        locks.hold(conn, locks.DAYS)
    with closing(psycopg2.connect(**warehouse_db.params)) as reader:
        db.execute(reader, "set role reader")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            locks.hold(reader, locks.DAYS)
        reader.rollback()
        # every advisory lock that a name could stand for is another one
        db.execute(reader, "set role reader")
        named = [lock for lock in vars(locks).values() if isinstance(lock, locks.Lock)]
        for lock in named:
            params = {"n": lock.name, "class": locks.CLASS}
            db.execute(reader, "select pg_advisory_lock(hashtextextended(%(n)s, 0))", params)
            db.execute(reader, "select pg_advisory_lock(%(class)s, hashtext(%(n)s))", params)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            db.execute(reader, "lock table public.schema_version in access share mode")
        with limited(warehouse_db, wait_seconds=1, lock_seconds=1).connect() as conn:
            for lock in (
                *(one for one in named if one != locks.DEMO_SHOP),
                locks.features_of(date(2024, 1, 1)),
            ):
                locks.hold(conn, lock)


def test_a_lock_is_held_until_the_transaction_ends_and_shared_by_those_who_share(warehouse_db):
    hurried = limited(warehouse_db, wait_seconds=1)
    with warehouse_db.connect() as first:
        locks.share(first, locks.DAYS)
        with hurried.connect() as second:
            locks.share(second, locks.DAYS)
        with pytest.raises(WarehouseError, match="a lock was not to be had"), hurried.connect() as third:
            locks.hold(third, locks.DAYS)
    with hurried.connect() as third:
        locks.hold(third, locks.DAYS)


def test_a_warehouse_of_a_newer_version_is_refused_in_words(new_database, migrated):
    newer = new_database(migrated)
    with newer.connect() as conn:
        db.execute(conn, "update public.schema_version set version_num = '9999'")
    with pytest.raises(SettingsError, match="version 9999, which this program does not know"):
        schema.migrate(newer)
