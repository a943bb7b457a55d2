"""A first load, rows first and keys after, comes to what the nights one by one come to, or to nothing at all."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from segmentation.dates import midnight
from segmentation.errors import BalanceError
from segmentation.features import rollup
from segmentation.ingestion import cleaning, staged
from segmentation.settings import Settings
from segmentation.warehouse import beside, db, keys, partitions
from tests.small_shop import SELECTS, SmallShop, contents, make_source, select, silent

ZONE = ZoneInfo("Europe/London")  # of the tiny shop
DAYS, START = 45, date(2024, 3, 4)
END = START + timedelta(days=DAYS)
FACTS = [f"core.{table}" for table in cleaning.ORDER]
REFUSED = [f"quarantine.{table}" for table in cleaning.ORDER]
ROLLED_UP = list(rollup.TABLES)
INDEXES = """
    select n.nspname || '.' || t.relname as place, i.indexrelid::regclass::text as name,
        pg_get_indexdef(i.indexrelid) as definition, i.indisvalid as is_valid
    from pg_index as i inner join pg_class as t on i.indrelid = t.oid
    inner join pg_namespace as n on t.relnamespace = n.oid
    where n.nspname in ('core', 'features') order by 1, 3
"""

STAGED_APART = "select tablename as name from pg_tables where schemaname = 'publishing' order by 1"


def rows(copied_until: date | None) -> dict[str, list[dict[str, Any]]]:
    """Orders, lines, events and reviews of 45 days, some of them refused; copies stand beside what they copy.

    Only rows of before `copied_until` have copies.
    """
    chance = random.Random(18)  # noqa: S311 (a test's rows)
    made: dict[str, list[dict[str, Any]]] = {table: [] for table in SELECTS}

    def instant() -> datetime:
        day = START + timedelta(days=chance.randrange(DAYS))
        return midnight(day, ZONE) + timedelta(minutes=chance.randrange(8 * 60, 20 * 60))

    for n in range(150):
        at, who = instant(), f"c{chance.randrange(20)}"
        cancelled = at + timedelta(days=chance.randrange(1, 6)) if n % 9 == 0 else None
        order = {"order_id": f"o{n}", "customer_id": None if n % 31 == 0 else who, "ordered_at": at}
        order |= {"status": "paid", "cancelled_at": cancelled, "currency": "EUR", "updated_at": at}
        made["orders"].append(order)
        for number in range(1, chance.randrange(2, 5)):
            line = {"order_id": f"o{n}", "line_no": number, "product_id": f" p{chance.randrange(9)} "}
            line |= {"category": chance.choice(["tea", "service", None]), "ordered_at": at}
            line |= {"quantity": chance.choice([-1, 1, 2]), "unit_price": Decimal("4.95"), "discount": 0}
            made["order_items"].append(line | ({"unit_price": None} if n % 23 == 0 else {}))
        event = {"event_id": f"e{n}", "customer_id": who if n % 7 else " ", "session_id": f"s{n // 2}"}
        event |= {"occurred_at": instant(), "event_type": "View", "duration_seconds": n}
        made["events"].append(event)
        review = {"review_id": f"r{n}", "customer_id": who, "reviewed_at": instant(), "rating": n % 7}
        made["reviews"].append(review | {"body": "good"})
    if copied_until:
        until = midnight(copied_until, ZONE)
        old = {
            table: [row for row in made[table] if row[at] < until]
            for table, at in (
                ("orders", "ordered_at"),
                ("order_items", "ordered_at"),
                ("events", "occurred_at"),
            )
        }
        made["orders"] += [row | {"status": "sent"} for row in old["orders"][::10]]
        made["order_items"] += [row | {"quantity": 3} for row in old["order_items"][::11]]
        made["events"] += old["events"][::12]
    return made


# The shop's rows: none has a copy, some have, and some of long ago have, which no night reads again.
ONCE = pytest.param(None, id="each once")
TWICE = pytest.param(END, id="some twice")
LONG_AGO = pytest.param(START + timedelta(days=12), id="some twice long ago")
every_shop = pytest.mark.parametrize("shops", [ONCE, TWICE, LONG_AGO], indirect=True)
with_and_without_copies = pytest.mark.parametrize("shops", [ONCE, TWICE], indirect=True)
with_copies = pytest.mark.parametrize("shops", [TWICE], indirect=True)


@pytest.fixture
def shops(request, new_database, migrated, drop_database, tmp_path) -> Iterator[tuple[SmallShop, SmallShop]]:
    """Two empty warehouses of one shop."""
    with pytest.MonkeyPatch.context() as patch:
        make_source(patch, tmp_path, {table: select(table) for table in SELECTS})
        patch.setattr(beside, "MANY", 1)
        shop = new_database()
        one, other = (SmallShop(shop, new_database(migrated), tmp_path / name) for name in ("one", "other"))
        one.create()
        one.add(**rows(request.param))
        yield one, other
    for database in (shop, one.warehouse, other.warehouse):
        drop_database(database)


def indexes(shop: SmallShop) -> list[tuple[str, str, str, bool]]:
    with shop.warehouse.connect() as conn:
        return [tuple(row.values()) for row in db.rows(conn, INDEXES)]


def staged_apart(shop: SmallShop) -> list[str]:
    with shop.warehouse.connect() as conn:
        return [row["name"] for row in db.rows(conn, STAGED_APART)]


def of(shop: SmallShop, tables: list[str]) -> dict[str, list[str]]:
    return contents(shop.warehouse, tables, without="run_id")


@every_shop
def test_a_first_load_is_what_the_nights_come_to(shops, monkeypatch):
    whole, nightly = shops
    empty = indexes(whole)
    monkeypatch.setattr(rollup, "TOGETHER", 100)  # a month is made in parts of some days
    counts = whole.ingest(whole.night(END))["cleaned"]
    with monkeypatch.context() as patched:
        patched.setattr(keys, "are_free", lambda *_: False)
        for day in range(3, DAYS + 1, 3):
            nightly.ingest(nightly.night(START + timedelta(days=day)))
    tables = [*FACTS, *REFUSED, *ROLLED_UP]
    assert of(whole, tables) == of(nightly, tables)
    assert all(of(whole, [table])[table] for table in ("quarantine.orders", *ROLLED_UP))
    with whole.warehouse.connect() as conn:
        for table, told in counts.items():
            kept = db.scalar(conn, f"select count(*) from core.{table}")
            assert told["rows_in"] == kept + told["merged"] + told["quarantined"], table
    after = indexes(whole)
    assert after == indexes(nightly)
    assert set(empty) <= set(after), "by the same names"
    assert all(is_valid for *_, is_valid in after)


@with_and_without_copies
def test_a_first_load_counts_as_one_with_its_keys_in_place(shops, monkeypatch):
    late, early = shops
    counts = late.ingest(late.night(END))["cleaned"]
    monkeypatch.setattr(keys, "are_free", lambda *_: False)
    assert early.ingest(early.night(END))["cleaned"] == counts


@with_and_without_copies
@pytest.mark.parametrize("place", ["core/row_counts.sql", "features/customer_day_first.sql"])
def test_a_first_load_that_breaks_off_leaves_nothing_and_is_done_again(shops, monkeypatch, place):
    """In the roll-up it breaks off when one month is made, and committed."""
    broken, whole = shops
    whole.ingest(whole.night(END))
    before, run_file = indexes(broken), db.run_file

    def breaks(conn, path, params=None, **identifiers):
        done = run_file(conn, path, params, **identifiers)
        is_first_month = "first" in (params or {}) and params["first"] == START.replace(day=1)
        if path == place and identifiers.get("table") in (None, "events") and not is_first_month:
            raise RuntimeError("killed")
        return done

    with monkeypatch.context() as patched:
        patched.setattr(db, "run_file", breaks)
        patched.setattr(beside, "SESSIONS", 1)
        with pytest.raises(RuntimeError, match="killed"):
            broken.ingest(broken.night(END))
    tables = [*FACTS, *REFUSED] if place.startswith("core") else ROLLED_UP
    assert not any(of(broken, tables).values())
    assert indexes(broken) == before
    assert staged_apart(broken) == []
    broken.ingest(broken.night(END))
    tables = [*FACTS, *REFUSED, *ROLLED_UP]
    assert of(broken, tables) == of(whole, tables)


@with_copies
@pytest.mark.parametrize("table", ["core.events", "features.customer_day"])
def test_who_reads_a_table_keeps_it_and_the_load_goes_on(shops, monkeypatch, table):
    read, free = shops
    free.ingest(free.night(END))
    monkeypatch.setattr(partitions, "LASTING_SECONDS", 0.1)
    with read.warehouse.connect() as reader:
        assert db.scalar(reader, f"select count(*) from {table}") == 0
        read.ingest(read.night(END))
        assert db.scalar(reader, f"select count(*) from {table}") > 0
    assert staged_apart(read) == []
    assert of(read, [*FACTS, *ROLLED_UP]) == of(free, [*FACTS, *ROLLED_UP])


@with_copies
def test_what_a_killed_load_has_left_goes_with_the_next_night(shops):
    """Of a month that this night makes, too, and of one of which the shop has no row any more."""
    shop, other = shops
    with shop.warehouse.connect() as conn:
        for month in (f"{START:%Y%m}", "202312"):
            for table in ROLLED_UP:
                left = f"publishing.{table.removeprefix('features.')}_{month}"
                db.execute(conn, f"create table {left} as select 'ana' as customer_id")
    for one in shops:
        one.ingest(one.night(START + timedelta(days=9)))
    assert staged_apart(shop) == []
    assert of(shop, ROLLED_UP) == of(other, ROLLED_UP)


@with_copies
def test_a_table_with_rows_is_not_free(shops):
    shop, _ = shops
    shop.ingest(shop.night(START + timedelta(days=9)))
    with shop.warehouse.connect() as conn:
        assert not keys.are_free(conn, "core.orders")
        assert not db.scalar(conn, "select count(*) from pg_locks where mode = 'AccessExclusiveLock'")


@every_shop
def test_days_that_the_maintenance_would_not_keep_are_forgotten_and_never_cleaned_again(shops):
    shop, _ = shops
    shop.settings = Settings(shop=shop.settings.shop, retention={"staging_days": 91})
    night = shop.night(END + timedelta(days=80))  # 34 of 45 days are older
    shop.ingest(night)
    before, kept_from = of(shop, [*FACTS, *ROLLED_UP]), night.as_of_date - timedelta(days=91)
    with shop.warehouse.connect() as conn:
        rows_in = {t: db.scalar(conn, f"select count(*) from staging.{t}") for t in staged.TABLES}
    forgotten = staged.keep_recent(night)
    assert staged.keep_recent(night) == 0
    with shop.warehouse.connect() as conn:
        left = {t: db.scalar(conn, f"select count(*) from staging.{t}") for t in staged.TABLES}
        first_days = [db.scalar(conn, f"select min(day) from staging.{t}") for t in staged.TABLES]
        by_day = (
            "select count(*) from pg_indexes where schemaname = 'staging' and right(indexdef, 5) = '(day)'"
        )
        assert db.scalar(conn, by_day) == len(cleaning.ORDER)
    assert forgotten == sum(rows_in.values()) - sum(left.values()) > 0
    assert all(left.values())
    assert min(first_days) >= kept_from
    with pytest.raises(BalanceError, match=f"days before {kept_from} are not staged any more"):
        cleaning.run(night, None, night.as_of_date, silent)
    assert of(shop, [*FACTS, *ROLLED_UP]) == before
    shop.ingest(shop.night(night.as_of_date + timedelta(days=1)))
    assert of(shop, [*FACTS, *ROLLED_UP]) == before


@every_shop
def test_staged_rows_that_somebody_reads_stay(shops, monkeypatch):
    shop, _ = shops
    monkeypatch.setattr(partitions, "LASTING_SECONDS", 0.1)
    night = shop.night(END + timedelta(days=400))
    shop.ingest(night)
    with shop.warehouse.connect() as reader:
        there = db.scalar(reader, "select count(*) from staging.orders")
        assert staged.keep_recent(night) == 0
        assert db.scalar(reader, "select count(*) from staging.orders") == there > 0
