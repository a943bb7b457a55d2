"""Extraction: the days that are missing and the look-back, each row on its day, or nothing at all."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from segmentation.errors import BalanceError, ShopError, SourceError, WarehouseError
from segmentation.ingestion import cleaning, extraction
from segmentation.settings import Settings
from segmentation.sources import contract
from segmentation.warehouse import db, locks
from tests.small_shop import SELECTS, SmallShop, forget, make_source, select, silent

TABLES = {"orders": select("orders"), "order_items": select("order_items")}
MONDAY = date(2024, 6, 3)
LOOKBACK = 3
LONDON = ZoneInfo("Europe/London")


def day(number: int) -> date:
    """Days from Monday on."""
    return MONDAY + timedelta(days=number)


@pytest.fixture(scope="module")
def databases(new_database, migrated, tmp_path_factory) -> SmallShop:
    """One pair of databases, emptied for each test."""
    small = SmallShop(new_database(), new_database(migrated), tmp_path_factory.mktemp("artifacts"))
    small.create()
    return small


@pytest.fixture
def shop(databases) -> SmallShop:
    """An empty shop and an empty warehouse."""
    with databases.shop.connect() as conn:
        for table in contract.TABLES:
            db.execute(conn, f"truncate tiny.{table}")
    forget(databases.warehouse)
    databases.settings = Settings(
        shop={"name": "tiny", "source": "tiny", "timezone": "Europe/London"},
        extract={"lookback_days": LOOKBACK},
    )
    return databases


@pytest.fixture
def source(monkeypatch, tmp_path) -> Iterator[Callable[..., Path]]:
    """Makes the source's folder of SELECTs."""

    def make(**selects: str) -> Path:
        return make_source(monkeypatch, tmp_path, {**TABLES, **selects})

    return make


def at(when: date, hour: int = 12) -> datetime:
    return datetime(when.year, when.month, when.day, hour, tzinfo=LONDON)


def order(order_id: str, when: datetime | None, **columns: Any) -> dict[str, list[dict[str, Any]]]:
    """An order of customer 1 with one line."""
    return {
        "orders": [{"order_id": order_id, "customer_id": "1", "ordered_at": when, **columns}],
        "order_items": [
            {
                "order_id": order_id,
                "line_no": 1,
                "product_id": "p",
                "quantity": 1,
                "unit_price": 2,
                "ordered_at": when,
            }
        ],
    }


def staged(shop: SmallShop, table: str = "orders", columns: str = "day, order_id") -> list[tuple]:
    with shop.warehouse.connect(readonly=True) as conn, conn.cursor() as cursor:
        cursor.execute(f"select {columns} from staging.{table} order by 1, 2")
        return cursor.fetchall()


def watermarks(shop: SmallShop) -> dict[str, date]:
    with shop.warehouse.connect(readonly=True) as conn:
        rows = db.rows(conn, "select table_name, loaded_before from staging.watermarks")
    return {row["table_name"]: row["loaded_before"] for row in rows}


def window(shop: SmallShop, until: date, version: str | None = None) -> tuple[date | None, date]:
    with shop.warehouse.connect(readonly=True) as conn:
        days = extraction.window(conn, shop.night(until), version)
    return days.first, days.end


# --------------------------------------------------------------------------------------- the contract


@pytest.mark.parametrize("column", ["customer_id", "updated_at"])
def test_a_missing_column_is_named_before_anything_is_loaded(shop, source, column):
    kept = ", ".join(name for name in contract.TABLES["orders"].columns if name != column)
    folder = source()
    shop.add(**order("a", at(day(0))))
    shop.ingest(shop.night(day(1)))
    (folder / "order_items.sql").write_text(
        select("order_items", "order_id, line_no, product_id, ordered_at")
    )
    (folder / "orders.sql").write_text(f"select {kept} from ({select('orders')}) as q")
    shop.add(**order("b", at(day(1))))
    db._environment.cache_clear()
    with pytest.raises(SourceError, match=rf"orders\.sql: column '{column}' is missing \(found: order_id"):
        extraction.run(shop.night(day(2)), None, silent)
    assert staged(shop) == [(day(0), "a")]


def test_a_column_of_another_type_is_named_before_anything_is_loaded(shop, source):
    """No value of it is looked at: whether a date is a boolean is known from the SELECT."""
    folder = source()
    columns = ", ".join(c for c in contract.TABLES["orders"].columns if c != "cancelled_at")
    shop.add(**order("a", at(day(0))))
    (folder / "orders.sql").write_text(
        f"select {columns}, status = 'cancelled' as cancelled_at from ({select('orders')}) as q"
    )
    db._environment.cache_clear()
    with pytest.raises(
        SourceError, match="column 'cancelled_at' is no timestamptz: cannot cast type boolean"
    ):
        extraction.run(shop.night(day(2)), None, silent)
    assert staged(shop) == []


def test_a_text_in_a_number_names_its_column(shop, source):
    folder = source()
    shop.add(**order("a", at(day(0))))
    columns = ", ".join(c for c in contract.TABLES["order_items"].columns if c != "unit_price")
    (folder / "order_items.sql").write_text(
        f"select {columns}, ordered_at, 'call us'::text as unit_price from ({select('order_items')}) as q"
    )
    db._environment.cache_clear()
    with pytest.raises(SourceError, match=r"order_items\.sql: column 'unit_price' is no numeric") as refused:
        extraction.run(shop.night(day(2)), None, silent)
    assert "call us" not in str(refused.value)
    assert staged(shop) == []


def test_an_unknown_source_is_named_with_the_known_ones(shop, source):
    source()
    other = SmallShop(shop.shop, shop.warehouse, shop.store, source="tinny")
    with pytest.raises(SourceError, match=r"unknown source 'tinny'.*demo, online_retail, tiny"):
        extraction.run(other.night(day(1)), None, silent)


def test_a_source_without_a_required_table_is_refused(shop, monkeypatch, tmp_path):
    make_source(monkeypatch, tmp_path, {"orders": TABLES["orders"]})
    with pytest.raises(SourceError, match=r"order_items\.sql is missing, and it is required"):
        extraction.run(shop.night(day(1)), None, silent)


def test_a_file_that_is_no_table_is_refused(shop, source):
    source(baskets="select 1")
    with pytest.raises(SourceError, match=r"baskets\.sql is no table of the contract"):
        extraction.run(shop.night(day(1)), None, silent)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        # the shop has renamed a table
        ("select * from tiny.orderz", r'orders\.sql: relation "tiny\.orderz" does not exist'),
        # a typing slip
        ("selec * from tiny.orders", r"orders\.sql: syntax error"),
    ],
)
def test_a_select_that_fails_is_named(shop, source, text, says):
    source(orders=text)
    with pytest.raises(SourceError, match=says) as refused:
        extraction.run(shop.night(day(1)), None, silent)
    assert refused.value.table == "orders"


def test_a_shop_that_does_not_answer_is_no_fault_of_its_tables(shop, source):
    """So the task is tried again: a UserError is not."""
    source(orders=f"select q.* from ({select('orders')}) as q, (select pg_sleep(60)) as slow")
    shop.add(**order("a", at(day(0))))
    impatient = replace(shop.shop, params={**shop.shop.params, "options": "-c statement_timeout=50"})
    night = replace(shop.night(day(1)), shop=impatient)
    with pytest.raises(ShopError, match="did not answer: orders: canceling statement due to"):
        extraction.run(night, None, silent)


def test_a_value_of_the_wrong_type_is_refused_without_repeating_it(shop, source):
    wrong = ", ".join(
        "'jane@example.org' as birth_year" if c == "birth_year" else c
        for c in contract.TABLES["customers"].columns
    )
    source(customers=select("customers", wrong))
    shop.add(customers=[{"customer_id": "1", "updated_at": at(day(0))}])
    with pytest.raises(
        SourceError,
        match=r"customers\.sql: column 'birth_year' is no integer: invalid input syntax for type integer",
    ) as refused:
        extraction.run(shop.night(day(1)), None, silent)
    assert "jane" not in str(refused.value)


@pytest.mark.parametrize(
    "when",
    [
        at(day(1), 0),  # the as-of date's first instant
        at(day(-LOOKBACK - 1), 23),  # the last hour before the window
    ],
)
def test_rows_outside_the_window_are_refused(shop, source, when):
    folder = source()
    shop.add(**order("a", at(day(0))))
    shop.ingest(shop.night(day(0)))
    (folder / "orders.sql").write_text("select * from tiny.orders")
    db._environment.cache_clear()
    shop.add(**order("outside", when))
    with pytest.raises(SourceError, match=r"orders\.sql: it returns rows outside of the window"):
        extraction.run(shop.night(day(1)), None, silent)
    assert staged(shop) == []


def test_nothing_is_kept_of_an_extraction_whose_last_table_fails(shop, source):
    broken = select(
        "reviews", "review_id, customer_id, product_id, reviewed_at, 1 / (rating - 1) as rating, body"
    )
    source(reviews=broken)
    shop.add(**order("a", at(day(0))), reviews=[{"review_id": "r", "rating": 1, "reviewed_at": at(day(0))}])
    with pytest.raises(SourceError, match=r"reviews\.sql: division by zero"):
        extraction.run(shop.night(day(1)), None, silent)
    assert staged(shop) == []


# -------------------------------------------------------------------------------------------- windows


def test_the_first_night_reads_all_history(shop, source):
    source()
    assert window(shop, day(0)) == (None, day(0))
    shop.add(**order("old", at(date(1999, 12, 31))), **{})
    shop.add(**order("new", at(day(-1))))
    assert shop.ingest(shop.night(day(0)))["rows"] == {"orders": 2, "order_items": 2}
    assert staged(shop) == [(date(1999, 12, 31), "old"), (day(-1), "new")]


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (day(1), (day(-LOOKBACK), day(1))),  # the next night: the new day, and the look-back
        (day(6), (day(-LOOKBACK), day(6))),  # after an outage of five nights: all of them
        (day(0), (day(-LOOKBACK), day(0))),  # the same date again
        (day(-30), (day(-30 - LOOKBACK), day(-30))),  # an older date does not read history again
    ],
)
def test_a_night_reads_what_is_missing_and_the_look_back(shop, source, until, expected):
    source()
    shop.ingest(shop.night(day(0)))
    assert window(shop, until) == expected


def test_an_older_date_does_not_move_the_watermark_back(shop, source):
    source()
    shop.ingest(shop.night(day(0)))
    shop.ingest(shop.night(day(-30)))
    assert watermarks(shop) == {"orders": day(0), "order_items": day(0)}


def test_a_changed_file_is_read_again_as_a_whole(shop, source):
    source()
    shop.ingest(shop.night(day(0)), version="one")
    assert window(shop, day(1), "one") == (day(-LOOKBACK), day(1))
    assert window(shop, day(1), "two") == (None, day(1))
    shop.ingest(shop.night(day(-5)), version="two")  # later days are still those of the old file
    assert window(shop, day(1), "two") == (day(-5 - LOOKBACK), day(1))


def test_a_table_that_the_source_has_from_now_on_brings_its_history(shop, source):
    folder = source()
    shop.ingest(shop.night(day(0)))
    (folder / "reviews.sql").write_text(select("reviews"))
    shop.add(reviews=[{"review_id": "r", "customer_id": "1", "reviewed_at": at(day(-100)), "rating": 5}])
    assert window(shop, day(1)) == (None, day(1))
    shop.ingest(shop.night(day(1)))
    assert staged(shop, "reviews", "day, review_id") == [(day(-100), "r")]


def test_a_table_that_the_source_has_no_longer_does_not_hold_the_window_back(shop, source):
    folder = source(reviews=select("reviews"))
    shop.ingest(shop.night(day(0)))
    (folder / "reviews.sql").unlink()
    shop.ingest(shop.night(day(20)))
    assert window(shop, day(21)) == (day(20 - LOOKBACK), day(21))


def test_the_look_back_finds_late_changed_and_deleted_rows(shop, source):
    source()
    for name, when in (("before", day(-9)), ("changes", day(-1)), ("goes", day(-2))):
        shop.add(**order(name, at(when)))
    shop.ingest(shop.night(day(0)))
    with shop.shop.connect() as conn:
        db.execute(conn, "delete from tiny.orders where order_id = 'goes'")
        db.execute(conn, "update tiny.orders set status = 'shipped' where order_id = 'changes'")
    shop.add(**order("late", at(day(-1))))
    shop.ingest(shop.night(day(1)))
    assert staged(shop, "orders", "day, order_id, status") == [
        (day(-9), "before", None),
        (day(-1), "changes", "shipped"),
        (day(-1), "late", None),
    ]


# In each table a text longer than any is: garbage that hardly compresses, in a key as in prose.
TOO_LONG = {
    "customers": "city",
    "orders": "customer_id",
    "order_items": "product_id",
    "events": "session_id",
    "reviews": "body",
}


def test_a_text_longer_than_any_ends_in_quarantine_and_stays_in_the_shop(shop, source):
    source(**{table: select(table) for table in TOO_LONG})
    others = {
        "customers": [{"customer_id": "1", "updated_at": at(day(1))}],
        "events": [{"event_id": "e", "customer_id": "1", "event_type": "view", "occurred_at": at(day(1))}],
        "reviews": [{"review_id": "r", "customer_id": "1", "reviewed_at": at(day(1))}],
    }
    shop.add(**order("a", at(day(1))), **others)
    allowed, bounds = "é" * 250, shop.settings.cleaning
    with shop.shop.connect() as conn:
        for table, column in TOO_LONG.items():
            db.execute(conn, f"update tiny.{table} set {column} = %(allowed)s", {"allowed": allowed})
            db.execute(
                conn,
                f"insert into tiny.{table} select * from json_populate_record("
                f"(select t from tiny.{table} as t), json_build_object('{column}', "
                "(select string_agg(md5(i::text), 'é') from generate_series(1, 50000) as i)))",
            )
    cleaned = shop.ingest(shop.night(day(2)))["cleaned"]
    for table, column in TOO_LONG.items():
        fates = {name: cleaned[table][name] for name in ("rows_in", "kept", "merged", "rules")}
        assert fates == {"rows_in": 2, "kept": 1, "merged": 0, "rules": {"text_too_long": 1}}, table
        most = bounds.max_body_bytes if column == contract.PROSE else bounds.max_text_bytes
        assert staged(shop, table, f"char_length({column}), 0") == [(len(allowed), 0), (most + 1, 0)]


@pytest.mark.parametrize(
    "breaks",
    [
        "core/order_items.sql",  # cleaning
        "features/customer_day.sql",  # the roll-up
    ],
)
def test_a_night_that_fails_leaves_its_days_to_the_next(shop, source, monkeypatch, breaks):
    source()
    shop.add(**order("a", at(day(-1))))
    shop.ingest(shop.night(day(0)))
    shop.add(**order("b", at(day(5))))
    run_file = db.run_file

    def broken(conn, path, params=None, **identifiers):
        if path == breaks:
            raise BalanceError("broken on purpose")
        return run_file(conn, path, params, **identifiers)

    with monkeypatch.context() as patched:
        patched.setattr(db, "run_file", broken)
        with pytest.raises(BalanceError):
            shop.ingest(shop.night(day(6)))
    assert watermarks(shop) == {"orders": day(0), "order_items": day(0)}
    far = day(6 + 2 * LOOKBACK)
    assert window(shop, far) == (day(-LOOKBACK), far)
    shop.ingest(shop.night(far))
    assert staged(shop) == [(day(-1), "a"), (day(5), "b")]
    assert watermarks(shop) == {"orders": far, "order_items": far}
    with shop.warehouse.connect() as conn:
        assert db.scalar(conn, "select count(*) from features.customer_day") == 2


# ------------------------------------------------------------------------------- rows and their days


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/London", day(0)),  # 23:30 in summer
        ("Asia/Shanghai", day(1)),  # 06:30 the next morning
        ("America/New_York", day(0)),  # 18:30
    ],
)
def test_a_row_is_on_the_day_of_the_shop(shop, source, zone, expected):
    source()
    shop.settings = Settings(shop={"name": "tiny", "source": "tiny", "timezone": zone})
    shop.add(**order("a", datetime(2024, 6, 3, 22, 30, tzinfo=ZoneInfo("UTC"))))
    shop.ingest(shop.night(day(2)))
    assert staged(shop) == [(expected, "a")]


def test_every_hour_of_the_long_and_the_short_day_is_read_once(shop, source):
    """31 March 2024 has 23 hours in London, 27 October has 25."""
    source()
    short, long = date(2024, 3, 31), date(2024, 10, 27)
    utc = ZoneInfo("UTC")
    for start in (datetime(2024, 3, 30, 22, tzinfo=utc), datetime(2024, 10, 26, 22, tzinfo=utc)):
        for hour in range(30):
            shop.add(**order(f"{start:%m%d}-{hour:02}", start + timedelta(hours=hour)))
    for until in (short, short + timedelta(days=1), long, long + timedelta(days=1), long + timedelta(days=2)):
        shop.ingest(shop.night(until))
    days = [row[0] for row in staged(shop)]
    assert len(days) == 60
    assert days.count(short) == 23
    assert days.count(long) == 25


def test_a_row_without_an_instant_goes_to_the_last_day_of_the_window(shop, source):
    source()
    shop.add(**order("undated", None))
    shop.ingest(shop.night(day(1)))
    assert staged(shop) == [(day(0), "undated")]
    assert staged(shop, "order_items") == [(day(0), "undated")]


def test_an_order_dated_ahead_is_read_on_the_day_it_was_written(shop, source):
    source()
    shop.add(**order("ahead", at(date(2031, 1, 1)), updated_at=at(day(0))))
    counts = shop.ingest(shop.night(day(1)))["cleaned"]
    assert staged(shop) == [(day(0), "ahead")]
    assert counts["orders"]["rules"] == {"ordered_at_in_future": 1}


def test_columns_that_the_shop_lacks_are_null(shop, source):
    columns = ", ".join(
        column if column in ("customer_id", "updated_at") else f"null as {column}"
        for column in contract.TABLES["customers"].columns
    )
    source(customers=select("customers", columns, instant="updated_at"))
    shop.add(customers=[{"customer_id": "1", "birth_year": 1980, "consent": True, "updated_at": at(day(0))}])
    shop.ingest(shop.night(day(1)))
    assert staged(shop, "customers", "day, customer_id, birth_year, consent, signed_up_at") == [
        (day(0), "1", None, None, None)
    ]


def test_lines_without_an_instant_take_the_day_of_their_order(shop, source):
    lines = "order_id, line_no, product_id, category, quantity, unit_price, discount"
    source(order_items=select("order_items", lines))
    for name, when in (("a", day(-4)), ("b", day(-1))):
        shop.add(**order(name, at(when)))
    shop.add(order_items=[{"order_id": "nobody's", "line_no": 1, "ordered_at": at(day(-3))}])
    counts = shop.ingest(shop.night(day(0)))["cleaned"]
    assert staged(shop, "order_items") == [(day(-4), "a"), (day(-1), "b"), (day(-1), "nobody's")]
    assert counts["order_items"]["rules"] == {"order_unknown": 1}


def test_the_order_of_columns_and_further_ones_do_not_matter(shop, source):
    turned = ", ".join(["'x' as extra", *reversed(contract.TABLES["orders"].columns)])
    source(orders=select("orders", turned))
    shop.add(**order("a", at(day(0)), status="shipped"))
    shop.ingest(shop.night(day(1)))
    assert staged(shop, "orders", "order_id, customer_id, status") == [("a", "1", "shipped")]


def test_labels_are_always_those_of_today(shop, source):
    source(labels="select customer_id, label from tiny.labels")
    for label in ("bargain", "loyal"):
        with shop.shop.connect() as conn:
            db.execute(conn, "truncate tiny.labels")
        shop.add(labels=[{"customer_id": "1", "label": label}])
        shop.ingest(shop.night(day(0)))
    assert staged(shop, "labels", "customer_id, label") == [("1", "loyal")]


def test_texts_with_tabs_lines_and_backslashes_arrive_as_they_are(shop, source):
    source(reviews=select("reviews"))
    body = 'tab\there\nnew line\\N \\. "quoted", ü'
    shop.add(reviews=[{"review_id": "r", "customer_id": "1", "reviewed_at": at(day(0)), "body": body}])
    shop.ingest(shop.night(day(1)))
    assert staged(shop, "reviews", "review_id, body") == [("r", body)]


def test_what_was_read_is_recorded(shop, source):
    source()
    shop.add(**order("a", at(day(0))))
    night = shop.night(day(1))
    extraction.run(night, "hash", silent)
    extraction.run(night, "hash", silent)  # a task that is tried again
    with shop.warehouse.connect() as conn:
        loads = db.rows(
            conn, "select table_name, day_from, day_to, rows_loaded, source_version from staging.loads"
        )
    assert sorted(loads, key=lambda row: row["table_name"]) == [
        {"table_name": name, "day_from": None, "day_to": day(1), "rows_loaded": 1, "source_version": "hash"}
        for name in ("order_items", "orders")
    ]
    assert watermarks(shop) == {}


def test_extraction_waits_for_another_run_of_these_days(shop, source):
    source()
    impatient = db.Database("impatient", {**shop.warehouse.params, "options": "-c lock_timeout=200"})
    hurried = SmallShop(shop.shop, impatient, shop.store)
    with shop.warehouse.connect() as other:
        locks.hold(other, locks.DAYS)
        for stage in (
            lambda: extraction.run(hurried.night(day(1)), None, silent),
            lambda: cleaning.run(hurried.night(day(1)), None, day(1), silent),
        ):
            with pytest.raises(WarehouseError, match="the impatient is busy: a lock was not to be had"):
                stage()


def test_all_tables_are_tables_of_the_small_shop():
    assert set(SELECTS) == set(contract.DAILY)
