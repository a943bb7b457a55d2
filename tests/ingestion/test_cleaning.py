"""Cleaning: every row is kept, merged or quarantined, whatever the shop writes, and other days stay."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from segmentation.dates import midnight
from segmentation.errors import BalanceError
from segmentation.ingestion import cleaning
from segmentation.settings import Settings
from segmentation.sources import contract, refresh
from segmentation.warehouse import db
from tests.one_transaction import OneTransaction
from tests.small_shop import SELECTS, SmallShop, contents, forget, insert, make_source, select, silent

CORE = [f"core.{table}" for table in cleaning.ORDER]
QUARANTINE = [f"quarantine.{table}" for table in cleaning.ORDER]
MONDAY = date(2024, 6, 3)
NEXT = MONDAY + timedelta(days=7)


@pytest.fixture(scope="module")
def databases(new_database, migrated, tmp_path_factory) -> Iterator[SmallShop]:
    """A warehouse, emptied for each test, whose staging the tests fill themselves."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cleaning")
        make_source(patch, folder, {table: select(table) for table in SELECTS})
        yield SmallShop(new_database(), new_database(migrated), folder)


@pytest.fixture
def shop(databases) -> SmallShop:
    forget(databases.warehouse)
    return databases


@pytest.fixture
def undone(shop) -> Iterator[SmallShop]:
    """The same, for examples that are rolled back."""
    with closing(shop.warehouse.open()) as connection:
        one = OneTransaction("warehouse", {"connection": connection})
        yield SmallShop(shop.shop, one, shop.store)


def stage(shop: SmallShop, **tables: list[dict[str, Any]]) -> None:
    with shop.warehouse.connect() as conn:
        for table, rows in tables.items():
            insert(conn, ("staging", table), rows)


def clean(shop: SmallShop, first: date | None = None, end: date = NEXT) -> dict[str, dict[str, Any]]:
    return cleaning.run(shop.night(end), first, end, silent)


def order(order_id: str | None, day: date = MONDAY, **columns: Any) -> dict[str, Any]:
    at = midnight(day, shop_zone()) + timedelta(hours=12)
    return {"day": day, "order_id": order_id, "customer_id": "1", "ordered_at": at, **columns}


def line(order_id: str | None, line_no: int | None = 1, day: date = MONDAY, **columns: Any) -> dict[str, Any]:
    plain = {"product_id": "p", "quantity": 1, "unit_price": 2}
    return {"day": day, "order_id": order_id, "line_no": line_no, **plain, **columns}


def shop_zone():
    return Settings().tz


def counted(counts: dict[str, Any]) -> tuple[int, int, int, int]:
    return tuple(counts[name] for name in ("rows_in", "kept", "merged", "quarantined"))


# --------------------------------------------------------------------------------- rows nobody expects

texts = st.sampled_from([None, "", " ", "a", " a", "b", "B"])
instants = st.sampled_from(
    [None, *(datetime.fromisoformat(f"2024-06-{d:02}T{h}:30:00+00:00") for d in (2, 3, 4) for h in (10, 23))]
)
days = st.sampled_from([MONDAY, MONDAY + timedelta(days=1)])
numbers = st.sampled_from([None, -1, 0, 1, 2.5, 10**7])


def rows_of(**columns: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(st.fixed_dictionaries({"day": days, **columns}), max_size=8)


dirty = st.fixed_dictionaries(
    {
        "customers": rows_of(
            customer_id=texts, signed_up_at=instants, birth_year=st.sampled_from([None, 0, 1980, 2090]),
            gender=texts, country=texts, email_sha256=texts, updated_at=instants,
        ),
        "orders": rows_of(
            order_id=texts, customer_id=texts, ordered_at=instants, cancelled_at=instants, channel=texts,
            status=st.sampled_from([None, "Cancelled", "paid"]), updated_at=instants,
        ),
        "order_items": rows_of(
            order_id=texts, line_no=st.sampled_from([None, 1, 2]), product_id=texts, category=texts,
            quantity=numbers, unit_price=numbers, discount=numbers,
        ),
        "events": rows_of(
            event_id=texts, customer_id=texts, session_id=texts, occurred_at=instants, event_type=texts,
            duration_seconds=numbers,
        ),
        "reviews": rows_of(
            review_id=texts, customer_id=texts, reviewed_at=instants, rating=numbers, body=texts
        ),
    }
)  # fmt: skip


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=dirty)
def test_whatever_comes_is_kept_merged_or_quarantined(undone, rows):
    shop = undone
    shop.warehouse.roll_back()
    stage(shop, **rows)
    counts = clean(shop)
    assert set(counts) == set(cleaning.ORDER)
    for table, told in counts.items():
        rows_in, kept, merged, quarantined = counted(told)
        assert rows_in == len(rows[table]) == kept + merged + quarantined
        assert quarantined == sum(told["rules"].values())
        with shop.warehouse.connect() as conn:
            assert db.scalar(conn, f"select count(*) from core.{table}") == kept
            assert db.scalar(conn, f"select count(*) from quarantine.{table}") == quarantined
    once = contents(shop.warehouse, [*CORE, *QUARANTINE], without="run_id")
    assert [counted(told) for told in clean(shop).values()] == [counted(told) for told in counts.values()]
    assert contents(shop.warehouse, [*CORE, *QUARANTINE], without="run_id") == once
    # and the last day alone, cleaned again, is what it was
    clean(shop, MONDAY + timedelta(days=1))
    assert contents(shop.warehouse, ["core.orders", "core.customers"]) == {
        table: once[table] for table in ("core.orders", "core.customers")
    }


def test_the_demo_shop_balances(new_database, migrated, tmp_path):
    shop = SmallShop(new_database(), new_database(migrated), tmp_path, source="demo")
    told = {"name": "demo", "source": "demo", "demo_customers": 200, "demo_seed": 7}
    shop.settings = Settings(shop=told)
    until = date(2025, 6, 1)
    refresh.refresh(shop.shop, shop.settings, until, silent)
    window = shop.ingest(shop.night(until))
    assert set(window["cleaned"]) == set(contract.DAILY)
    for table, counts in window["cleaned"].items():
        rows_in, kept, merged, quarantined = counted(counts)
        assert rows_in == window["rows"][table] == kept + merged + quarantined
        assert kept > merged + quarantined or table == "events", table  # many visitors are anonymous
    assert min(window["cleaned"][table]["merged"] for table in ("customers", "orders", "order_items")) > 0
    rules = {rule for counts in window["cleaned"].values() for rule in counts["rules"]}
    assert rules >= {
        "customer_missing",
        "ordered_at_missing",
        "ordered_at_in_future",
        "order_quarantined",
        "order_unknown",
        "price_missing",
        "amount_absurd",
    }
    before = contents(shop.warehouse, [*CORE, *QUARANTINE, "features.customer_day"], without="run_id")
    again = shop.ingest(shop.night(until))  # the look-back, not history
    assert again["first"] == "2025-05-22"
    assert contents(shop.warehouse, list(before), without="run_id") == before


# --------------------------------------------------------------------------------------------- balance


@pytest.mark.parametrize(
    ("table", "loses"),
    [
        # each table's insert into core forgets a row
        ("orders", ("where rule is null and not is_merged", "where rule is null and order_id <> 'c'")),
        ("order_items", ("where rule is null and not is_merged", "where false")),
        # what is refused is not kept
        ("orders", ("where rule is not null", "where rule = 'order_id_missing'")),
    ],
)
def test_a_row_that_is_dropped_fails_the_run_and_changes_nothing(shop, monkeypatch, table, loses):
    stage(shop, orders=[order("a"), order("b")], order_items=[line("a"), line("b")])
    clean(shop)
    before = contents(shop.warehouse, [*CORE, *QUARANTINE, "core.row_counts"])
    stage(shop, orders=[order("c"), order("d", customer_id=None)], order_items=[line("c")])
    whole = db.statement

    def lossy(path: str, **identifiers: Any) -> str:
        text = whole(path, **identifiers)
        if path == f"core/{table}.sql":
            assert loses[0] in text
            return text.replace(*loses)
        return text

    with monkeypatch.context() as patched:
        patched.setattr(db, "statement", lossy)
        with pytest.raises(BalanceError) as refused:
            clean(shop)
    assert str(refused.value).startswith(
        f"{table}: rows in are not rows kept + merged + quarantined for the days before 2024-06-10 ("
    )
    assert contents(shop.warehouse, list(before)) == before
    assert clean(shop)["orders"]["kept"] == 3


def test_the_message_has_counts_and_no_values(shop, monkeypatch):
    stage(shop, orders=[order("a", customer_id="jane@example.org")])
    whole = db.statement
    monkeypatch.setattr(
        db, "statement", lambda path, **names: whole(path, **names).replace("c.is_copied is null", "false")
    )
    with pytest.raises(
        BalanceError, match=r"orders: rows in .*orders, 1, 0, 0, 0.*nothing was changed"
    ) as refused:
        clean(shop)
    assert "jane" not in str(refused.value)


# ----------------------------------------------------------------------------------------- other days


def test_nothing_of_another_day_changes(shop):
    tuesday = MONDAY + timedelta(days=1)
    both = [MONDAY, tuesday, tuesday + timedelta(days=1)]
    stage(
        shop,
        orders=[order(f"o{day}", day) for day in both] + [order(None, day) for day in both],
        order_items=[line(f"o{day}", 1, day) for day in both] + [line(None, 1, day) for day in both],
        events=[{"day": d, "event_id": f"e{d}", "customer_id": "1", "occurred_at": midnight(d, shop_zone()),
                 "event_type": "view"} for d in both],
        reviews=[{"day": d, "review_id": f"r{d}", "customer_id": "1", "reviewed_at": midnight(d, shop_zone())}
                 for d in both],
    )  # fmt: skip
    clean(shop)
    before = contents(shop.warehouse, [*CORE, *QUARANTINE])
    with shop.warehouse.connect() as conn:
        for table in ("orders", "order_items", "events", "reviews"):
            db.execute(conn, f"delete from staging.{table}")
    counts = clean(shop, tuesday, tuesday + timedelta(days=1))
    assert {counted(told) for told in counts.values()} == {(0, 0, 0, 0)}
    after = contents(shop.warehouse, [*CORE, *QUARANTINE])
    for table, rows in before.items():
        assert after[table] == [row for row in rows if '"day": "2024-06-04"' not in row]
    assert sum(map(len, after.values())) == 2 * 6


def test_rules_are_counted_by_name(shop):
    stage(
        shop,
        orders=[order("a"), order("a"), order(" "), order("c", customer_id=None), order("d", customer_id="")],
        order_items=[line("a"), line("a"), line("a", 2, quantity=0), line("c"), line("x")],
    )
    counts = clean(shop)
    assert counted(counts["orders"]) == (5, 1, 1, 3)
    assert counts["orders"]["rules"] == {"order_id_missing": 1, "customer_missing": 2}
    assert counted(counts["order_items"]) == (5, 1, 1, 3)
    assert counts["order_items"]["rules"] == {"quantity_zero": 1, "order_quarantined": 1, "order_unknown": 1}


def test_settings_bound_what_is_believed(shop):
    stage(
        shop,
        customers=[{"day": MONDAY, "customer_id": "1", "birth_year": 1949}],
        orders=[order("a")],
        order_items=[line("a", 1, unit_price=101), line("a", 2, unit_price=99)],
    )
    strict = SmallShop(
        shop.shop, shop.warehouse, shop.store, cleaning={"max_line_amount": 100, "min_birth_year": 1950}
    )
    counts = clean(strict)
    assert counts["order_items"]["rules"] == {"amount_absurd": 1}
    with shop.warehouse.connect() as conn:
        assert db.rows(conn, "select customer_id, birth_year from core.customers") == [
            {"customer_id": "1", "birth_year": None}
        ]


def test_only_the_tables_of_the_source_are_cleaned(shop, monkeypatch, tmp_path):
    make_source(monkeypatch, tmp_path, {t: select(t) for t in ("orders", "order_items")}, name="few")
    few = SmallShop(shop.shop, shop.warehouse, shop.store, source="few")
    stage(shop, orders=[order("a")], reviews=[{"day": MONDAY, "review_id": "r"}])
    assert set(clean(few)) == {"orders", "order_items"}
    assert contents(shop.warehouse, ["quarantine.reviews"]) == {"quarantine.reviews": []}
