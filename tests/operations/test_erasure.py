"""An erased customer is gone: from rows, files, exports and what is under way; and a search shows it."""

import hashlib
import json
from datetime import timedelta
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from segmentation.applications import audiences
from segmentation.errors import SourceError
from segmentation.operations import erasure
from segmentation.publishing.ids import assignments_table
from segmentation.publishing.publish import publish
from segmentation.runs import erased, register
from segmentation.runs.night import Night
from segmentation.settings import Audiences
from segmentation.warehouse import db
from tests.publishing.test_publish import FIRST, SECOND, SPEND, THIRD, THREE, Publisher, chosen, shop

__all__ = ["shop"]  # the fixture
WHO = "l"


@pytest.fixture(autouse=True)
def gone_from_the_shop(monkeypatch):
    """The shop has erased the customer: its own test is in tests/ingestion/test_customers.py."""
    monkeypatch.setattr(erasure, "_refuse_if_there", lambda *_: None)


def asked(shop: Publisher) -> Night:
    """Night that the command erases by: no run, no lease."""
    return Night("erasure", THIRD, shop.settings, shop.warehouse, shop.warehouse, shop.store)


def address(customer: str) -> str:
    return hashlib.sha256(f"{customer}@example.com".encode()).hexdigest()


def know_addresses(shop: Publisher) -> None:
    with shop.warehouse.connect() as conn:
        for customer in THREE:
            db.execute(
                conn,
                "insert into core.customers (customer_id, valid_from, email_sha256, consent) "
                "values (%(c)s, '2020-01-01', %(a)s, true)",
                {"c": customer, "a": address(customer)},
            )


def keep_matrices(shop: Publisher, run_id: str) -> Path:
    """A matrix by index, a snapshot by column, and a picture without ids, as a run keeps them."""
    folder = shop.store / f"{FIRST}" / run_id
    folder.mkdir(parents=True, exist_ok=True)
    matrix = pd.DataFrame({"x": range(len(THREE))}, index=pd.Index(list(THREE), name="customer_id"))
    matrix.to_parquet(folder / "matrix-all.parquet")
    matrix.reset_index().to_parquet(folder / "snapshot.parquet")
    matrix.reset_index(drop=True).to_parquet(folder / "map.parquet")
    return folder


def customers(file: Path) -> list[str]:
    return pd.read_parquet(file).reset_index()["customer_id"].tolist()


def test_nothing_is_left_in_rows_matrices_and_exports_and_the_search_says_so(
    shop, tmp_path, tmp_path_factory
):
    shop.publish(FIRST, THREE)
    know_addresses(shop)
    folder = keep_matrices(shop, "a-run-that-ended")
    exports, logs = tmp_path / "exports", tmp_path_factory.mktemp("logs")
    (logs / "a.log").write_text("kept 12 customers\n")
    settings = Audiences(min_customers=2)
    with shop.warehouse.connect(readonly=True) as conn:
        before = db.rows(conn, "select sketch from privacy.sketches")
    audiences.export(shop.warehouse, exports, settings, lambda _: None)
    manifest = json.loads((exports / "manifest.json").read_text())
    assert address(WHO) in "".join(file.read_text() for file in exports.rglob("*.csv"))

    found = erasure.run(asked(shop), f" {WHO} ", exports, [logs])

    assert found.rows["segments.customer_segments"] == found.rows["segments.customer_numbers"] == 1
    assert customers(folder / "matrix-all.parquet") == customers(folder / "snapshot.parquet")
    assert WHO not in customers(folder / "matrix-all.parquet")
    assert len(customers(folder / "matrix-all.parquet")) == len(THREE) - 1
    assert len(pd.read_parquet(folder / "map.parquet")) == len(THREE)
    after = json.loads((exports / "manifest.json").read_text())
    assert address(WHO) not in "".join(file.read_text() for file in exports.rglob("*.csv"))
    assert sum(one["addresses"] for one in after["audiences"] if "files" in one) == len(THREE) - 1
    for entry in after["audiences"]:
        for file in entry["files"]:
            assert hashlib.sha256((exports / file["path"]).read_bytes()).hexdigest() == file["sha256"]
    assert json.loads((exports / f"{FIRST}" / "manifest.json").read_text()) == after
    assert len([one for one in (exports / f"{FIRST}").iterdir() if one.is_dir()]) == 1
    assert {**manifest, "audiences": None} == {**after, "audiences": None}
    with shop.warehouse.connect(readonly=True) as conn:
        sketches = db.rows(conn, "select sketch from privacy.sketches")
    assert sum(len(row["sketch"]) for row in sketches) == sum(len(row["sketch"]) for row in before) - 1

    words = "\n".join(found.words())
    assert found.searched.certain == found.searched.possible == []
    assert found.searched.tables > 40
    assert found.searched.files == {"files of artifacts and exports": 3 + 2 * 3 + 2, "logs": 1}
    assert "nothing of the customer is left" in words
    assert f" {WHO}\n" not in words


def test_what_a_search_finds_is_told_and_ends_in_an_error(shop, tmp_path, tmp_path_factory):
    shop.publish(FIRST, THREE)
    logs = tmp_path_factory.mktemp("logs")
    (logs / "a.log").write_text("rejected: customer 1234567 has no date\nand 91234567 is another\n")
    (logs / "b.log").write_text("91234567 only\n")
    with shop.warehouse.connect() as conn:
        db.execute(conn, "create table staging.later (customer_id text, product_id text, notes jsonb)")
        db.execute(conn, """insert into staging.later values (null, '1234567', '{"who": "1234567"}')""")
    found = erasure.run(asked(shop), "1234567", tmp_path / "none", [logs])
    assert found.searched.possible == [
        "staging.later.product_id", "staging.later.notes", str(logs / "a.log")
    ]  # fmt: skip
    assert found.searched.certain == []
    with shop.warehouse.connect() as conn:
        db.execute(conn, "create table segments.extra (email_sha256 text[])")
        db.execute(conn, "create table segments.more (email_sha256 text)")
        db.execute(conn, "insert into segments.more values ('1234567')")
    found = erasure.run(asked(shop), "1234567", tmp_path / "none", [])
    assert found.searched.certain == ["segments.more.email_sha256"]
    assert "STILL THERE  segments.more.email_sha256" in found.words()


def test_a_night_between_its_matrix_and_its_publication_does_not_bring_the_customer_back(shop):
    """The erasure comes when the run has read everybody, and its matrix is what it goes on with."""
    shop.publish(FIRST, THREE)
    night = shop.night(SECOND)
    shop.stage(night, THREE)
    folder = night.folder
    folder.mkdir(parents=True, exist_ok=True)
    matrix = pd.DataFrame({"x": range(len(THREE))}, index=pd.Index(list(THREE), name="customer_id"))
    matrix.to_parquet(folder / "matrix-all.parquet")
    erasure.run(night, WHO, shop.store / "audiences")

    read = customers(folder / "matrix-all.parquet")  # as the next task reads it
    assert WHO not in read and len(read) == len(THREE), "rows that are counted on stay, without a name"
    again = {("l" if one not in THREE else one): 0 for one in read} | {WHO: 0}
    with (
        shop.warehouse.connect() as conn
    ):  # whatever the run still writes, by the id or by what stands for it
        table = assignments_table(SECOND)
        db.execute(conn, f"delete from {table}")
        for one in {*read, *again}:
            db.execute(conn, f"insert into {table} values (%(c)s, 0, 1, false)", {"c": one})
        db.execute(
            conn,
            "insert into core.orders (order_id, customer_id, day, ordered_at, local_hour) "
            "values ('late', %(c)s, %(d)s, %(d)s, 12)",
            {"c": WHO, "d": FIRST},
        )
    publish(night, chosen(THREE, SPEND), lambda _: None)
    with shop.warehouse.connect(readonly=True) as conn:
        query = "select customer_id from segments.customer_segments where as_of_date = %(d)s order by 1"
        published = [row["customer_id"] for row in db.rows(conn, query, {"d": SECOND})]
        assert published == sorted(set(THREE) - {WHO})
        assert db.scalar(conn, "select count(*) from core.orders") == 0
        numbered = db.scalar(conn, "select array_agg(customer_id) from segments.customer_numbers")
        assert set(numbered) == set(THREE) - {WHO}


def test_the_next_start_settles_it_once_no_run_of_before_is_left(shop):
    shop.publish(FIRST, THREE)
    under_way = shop.night(SECOND)
    run_id, folder = under_way.run_id, under_way.folder
    folder.mkdir(parents=True)
    matrix = pd.DataFrame({"x": range(len(THREE))}, index=pd.Index(list(THREE), name="customer_id"))
    matrix.to_parquet(folder / "matrix-all.parquet")
    erasure.run(under_way, WHO, shop.store / "audiences")
    assert len(customers(folder / "matrix-all.parquet")) == len(THREE)
    next_one = shop.night(SECOND + timedelta(days=5))

    def settled() -> bool:
        with shop.warehouse.connect(readonly=True) as conn:
            return db.scalar(conn, "select bool_and(is_settled) from privacy.erased")

    erased.settle(next_one)
    assert not settled(), "a run that had begun before is under way"
    register.finish(shop.warehouse, run_id, "failed", "a test")
    with shop.warehouse.connect() as conn:
        db.execute(
            conn,
            "insert into core.customers (customer_id, valid_from) values (%(c)s, '2020-01-01')",
            {"c": WHO},
        )
    erased.settle(next_one)
    assert settled()
    assert len(customers(folder / "matrix-all.parquet")) == len(THREE) - 1, "what stood for the customer goes"
    with shop.warehouse.connect(readonly=True) as conn:
        assert db.scalar(conn, "select count(*) from core.customers") == 0
    erasure.run(next_one, WHO, shop.store / "audiences")  # and again, later
    assert not settled()


def test_what_is_kept_of_an_erased_customer_is_a_hash_with_a_key(shop):
    erasure.run(asked(shop), "17850", shop.store / "audiences")
    with shop.warehouse.connect(readonly=True) as conn:
        row = db.row(conn, "select * from privacy.erased")
        secret = db.row(conn, "select * from privacy.secret")
        plain = {hashlib.new(kind, b"17850").digest() for kind in ("md5", "sha1", "sha256")}
        assert bytes(row["key"]) not in plain
        import hmac

        key = bytes(byte ^ 0x36 for byte in bytes(secret["inner_pad"]))
        assert bytes(row["key"]) == hmac.new(key, b"17850", "sha256").digest()
        assert "17850" not in row["stand_in"]
        for role in ("reader", "segments_ui"):
            for what in ("secret", "erased", "sketches"):
                query = "select has_table_privilege(%(r)s, 'privacy.' || %(w)s, 'select')"
                assert db.scalar(conn, query, {"r": role, "w": what}) is False
        assert db.scalar(conn, "select has_schema_privilege('reader', 'privacy', 'usage')") is False


def test_readers_find_no_hash_of_a_customer(shop):
    """The md5 of every customer was in a column that role `reader` reads."""
    shop.publish(FIRST, THREE)
    md5 = partial(hashlib.md5, usedforsecurity=False)
    halves = {int.from_bytes(md5(one.encode()).digest()[:8], signed=True) for one in THREE}
    with shop.warehouse.connect(readonly=True) as conn:
        columns = db.rows(
            conn,
            "select table_name, column_name from information_schema.columns "
            "where table_schema = 'segments' and udt_name in ('_int8', 'int8', 'bytea') order by 1, 2",
        )
        for column in columns:
            name, table = column["column_name"], column["table_name"]
            query = f"select coalesce(string_agg({name}::text, ' '), '') from segments.{table}"
            assert not any(str(half) in db.scalar(conn, query) for half in halves), column
        sketches = db.rows(conn, "select sketch from privacy.sketches")
    assert sum(len(row["sketch"]) for row in sketches) == len(THREE)
    assert not halves.intersection(*(row["sketch"] for row in sketches))


def test_a_customer_is_found_by_the_address_too(shop, tmp_path):
    """The id is the hash of the address where addresses are ids; elsewhere the shop may know whose it is."""
    shop.publish(FIRST, {**THREE, address("ada"): 0}, {**SPEND, address("ada"): 1.0})
    know_addresses(shop)
    found = erasure.run(asked(shop), "  Ada@Example.COM ", tmp_path / "none")
    assert found.rows["segments.customer_segments"] == 1
    found = erasure.run(asked(shop), "L@example.com", tmp_path / "none")
    assert found.rows["segments.customer_segments"] == 1
    with shop.warehouse.connect(readonly=True) as conn:
        left = db.scalar(conn, "select array_agg(customer_id) from segments.customer_segments")
    assert set(left) == set(THREE) - {"l"}


def test_an_address_that_somebody_else_has_too_stays_theirs(shop, tmp_path):
    shop.publish(FIRST, THREE)
    know_addresses(shop)
    with shop.warehouse.connect() as conn:
        db.execute(
            conn,
            "update core.customers set email_sha256 = %(a)s where customer_id = 'k'",
            {"a": address(WHO)},
        )
    audiences.export(shop.warehouse, tmp_path, Audiences(min_customers=2), lambda _: None)
    erasure.run(asked(shop), WHO, tmp_path)
    assert address(WHO) in "".join(file.read_text() for file in tmp_path.rglob("*.csv"))


def test_an_audience_that_becomes_too_small_is_withheld(shop, tmp_path):
    shop.publish(FIRST, THREE)
    know_addresses(shop)
    with shop.warehouse.connect(readonly=True) as conn:
        size = db.scalar(
            conn,
            "select count(*) from segments.customer_segments where segment_id = "
            "(select segment_id from segments.customer_segments where customer_id = %(c)s)",
            {"c": WHO},
        )
    audiences.export(shop.warehouse, tmp_path, Audiences(min_customers=size), lambda _: None)
    files = len(list(tmp_path.rglob("*.csv")))
    erasure.run(asked(shop), WHO, tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    withheld = [one for one in manifest["audiences"] if "withheld" in one]
    assert any(set(one) == {"segment_id", "name", "withheld"} for one in withheld)
    assert len(list(tmp_path.rglob("*.csv"))) == files - 1


def test_nothing_given_erases_nothing(shop, tmp_path):
    with pytest.raises(erasure.SettingsError, match="which customer"):
        erasure.run(asked(shop), "  \n", tmp_path)


def test_the_shop_comes_first(shop, monkeypatch, tmp_path):
    def has(*_: object) -> None:
        raise SourceError("the shop's orders still have this customer")

    monkeypatch.setattr(erasure, "_refuse_if_there", has)
    shop.publish(FIRST, THREE)
    with pytest.raises(SourceError):
        erasure.run(asked(shop), WHO, tmp_path)
    with shop.warehouse.connect(readonly=True) as conn:
        assert db.scalar(conn, "select count(*) from privacy.erased") == 0
        assert db.scalar(conn, "select count(*) from segments.customer_segments") == len(THREE)
