"""The published tables as frames, and the door through which they are read."""

import socket
from datetime import date
from pathlib import Path

import psycopg2
import pytest

from segmentation import open_shop, settings
from segmentation.analyst.shop import Shop
from segmentation.errors import SettingsError
from segmentation.local import door, postgres
from tests.machine import server_folder
from tests.publishing.test_publish import FIRST, SECOND, THREE, Publisher


@pytest.fixture
def published(warehouse_db, tmp_path):
    publisher = Publisher(warehouse_db, tmp_path)
    for day in (FIRST, SECOND):
        publisher.publish(day, THREE)
    return publisher


def test_frames_are_of_a_published_date(published):
    shop = Shop(published.warehouse)
    assert shop.dates() == [FIRST, SECOND]
    assert shop.segments().index.tolist() == [1, 2, 3]
    assert shop.segments(FIRST)["customers"].tolist() == [4, 4, 4]
    customers = shop.customers("2024-03-02")
    assert customers["segment_id"].to_dict() == published.ids(SECOND)
    assert (customers["segment_id"].dtype, customers["is_outlier"].dtype) == ("Int64", bool)
    assert shop.features()["spend_365d"].loc["a"] == 100.0
    assert set(shop.profiles()["feature"]) == {"spend_365d"}
    assert shop.leaderboard()["candidate"].tolist()[0] == "kmeans-3"
    assert shop.sql("select %(n)s as n", {"n": 7})["n"].tolist() == [7]


def test_nothing_can_be_changed(published):
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        Shop(published.warehouse).sql("delete from segments.segment_versions returning 1")


@pytest.mark.parametrize("day", [date(2024, 3, 9), "2023-01-01"])
def test_a_date_that_is_not_published_is_refused_with_the_nearest(published, day):
    with pytest.raises(LookupError, match="is not published; near it are 2024-03-01, 2024-03-02"):
        Shop(published.warehouse).segments(day)


def test_an_empty_warehouse_says_what_to_do(warehouse_db):
    with pytest.raises(LookupError, match="make run"):
        Shop(warehouse_db).features()


def test_an_address_that_cannot_be_read_is_not_repeated():
    with pytest.raises(SettingsError) as refused:
        open_shop("postgresql://me:secret@[broken/warehouse")
    assert "secret" not in str(refused.value)


@pytest.fixture
def own_server(monkeypatch):
    """A server of this test's own, with a port of 127.0.0.1; in no folder that pytest closes to others."""
    with socket.socket() as probe:
        probe.bind((door.LOOPBACK, 0))
        monkeypatch.setenv("SEGMENTATION__ANALYST__PORT", str(probe.getsockname()[1]))
    settings.load.cache_clear()
    with server_folder("seg-door-") as folder:
        server = postgres.start(Path(folder) / "postgres")
        postgres.database(server, "warehouse")
        yield server
        server.cleanup()
    settings.load.cache_clear()


def test_the_door_is_on_the_loopback_reads_only_and_asks_for_the_password(own_server, tmp_path):
    found = door.open_door(own_server)
    assert found.dsn.startswith("postgresql://analyst@127.0.0.1:")
    password = found.passfile.read_text().strip().split(":")[-1]
    assert password not in found.dsn + door.address_line(own_server)
    assert found.passfile.stat().st_mode & 0o777 == 0o600
    assert door.open_door(own_server) == found  # the same again
    with open_shop(found.dsn) as shop:
        assert shop.sql("select current_user as who")["who"].tolist() == ["analyst"]
    for change in (
        "create table public.mine (n int)",
        "set default_transaction_read_only = off; drop schema public",
    ):
        with psycopg2.connect(found.dsn) as conn, conn.cursor() as cursor, pytest.raises(psycopg2.Error):
            cursor.execute(change)
    other = tmp_path / "pgpass"
    other.touch(mode=0o600)
    with pytest.raises(psycopg2.OperationalError, match=r"no password|password"):
        psycopg2.connect(**{**found.params, "passfile": str(other)})
    tasks = own_server.parameters(postgres.TASKS, "warehouse")
    with pytest.raises(psycopg2.OperationalError, match=r"pg_hba|rejects"):
        psycopg2.connect(**{**tasks, "host": door.LOOPBACK})
