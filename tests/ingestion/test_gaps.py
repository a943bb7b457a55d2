"""However the nights went, the warehouse ends with the rows of one load of the shop as it is."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from segmentation.features import table as features
from segmentation.ingestion import cleaning, extraction, reconciliation
from segmentation.warehouse import db
from tests.small_shop import SmallShop, contents, make_source, select, silent

MONDAY = date(2024, 6, 3)
LONDON = ZoneInfo("Europe/London")
LOOKBACK, RECONCILE = 3, 25
FACTS = ["core.customers", "core.orders", "core.order_items", "core.reviews", "features.customer_day",
         "features.customer_day_cancelled", "features.customer_features"]  # fmt: skip
TABLES = ("customers", "orders", "order_items", "reviews")


def day(number: int) -> date:
    """Days from Monday on."""
    return MONDAY + timedelta(days=number)


def at(number: int, hour: int = 12) -> datetime:
    return datetime.combine(day(number), datetime.min.time(), LONDON) + timedelta(hours=hour)


def sale(number: int, name: str = "") -> dict[str, list[dict[str, Any]]]:
    """A day's order of one of four customers, with two lines and now and then a review."""
    order_id, customer, when = f"o{number}{name}", str(number % 4), at(number, number % 24)
    line = {"order_id": order_id, "quantity": 1 + number % 3, "unit_price": 2.5, "ordered_at": when}
    review = {"review_id": order_id, "customer_id": customer, "reviewed_at": when, "rating": 1 + number % 5}
    return {
        "customers": [{"customer_id": customer, "country": "DE", "signed_up_at": when}] * (number < 4),
        "orders": [{"order_id": order_id, "customer_id": customer, "ordered_at": when}],
        "order_items": [{**line, "line_no": n, "product_id": f"p{n}"} for n in (1, 2)],
        "reviews": [review] * (number % 3 == 0),
    }


@pytest.fixture
def shop(shop_db, warehouse_db, tmp_path, monkeypatch) -> Iterator[SmallShop]:
    """Ten nights that went well."""
    made = SmallShop(
        shop_db, warehouse_db, tmp_path, extract={"lookback_days": LOOKBACK, "reconcile_days": RECONCILE}
    )
    made.create()
    make_source(monkeypatch, tmp_path, {table: select(table) for table in TABLES})
    for number in range(9):
        made.add(**sale(number))
    night_of(made, 9)
    made.add(**sale(9))
    night_of(made, 10)
    return made


def night_of(shop: SmallShop, number: int) -> str | None:
    """A night up to the features; returns the first day that it read."""
    night = shop.night(day(number))
    window = reconciliation.run(night, None, lambda since: extraction.run(night, None, silent, since))
    first = window["first"] and date.fromisoformat(window["first"])
    cleaning.run(night, first, night.as_of_date, silent)
    features.roll_up(night, first, night.as_of_date)
    features.build(night, silent)
    return window["first"]


def change(shop: SmallShop, statement: str) -> None:
    with shop.shop.connect() as conn:
        db.execute(conn, statement)


@pytest.fixture
def in_one_go(shop, new_database, migrated):
    """The rows of the facts, and of the features of a date, when the shop of now is loaded at once."""

    def load(number: int) -> dict[str, list[str]]:
        fresh = SmallShop(shop.shop, new_database(migrated), shop.store)
        fresh.settings = shop.settings
        night_of(fresh, number)
        return only(contents(fresh.warehouse, FACTS), number)

    return load


def only(rows: dict[str, list[str]], number: int) -> dict[str, list[str]]:
    """The features of a date, and all facts."""
    mark = f'"as_of_date": "{day(number)}"'
    features_of_date = [row for row in rows["features.customer_features"] if mark in row]
    return {**rows, "features.customer_features": features_of_date}


def now(shop: SmallShop, number: int) -> dict[str, list[str]]:
    found = only(contents(shop.warehouse, FACTS), number)
    assert found["features.customer_features"]
    return found


def test_an_outage_of_five_nights_heals_on_the_sixth(shop, in_one_go):
    for number in range(10, 16):
        shop.add(**sale(number))
    assert night_of(shop, 16) == day(10 - LOOKBACK).isoformat()
    assert now(shop, 16) == in_one_go(16)
    shop.add(**sale(16))
    assert night_of(shop, 17) == day(16 - LOOKBACK).isoformat()
    assert now(shop, 17) == in_one_go(17)


def test_rows_that_come_late_are_caught_by_the_look_back(shop, in_one_go):
    shop.add(**sale(9, "late"))  # arrives a day after its night
    change(shop, "update tiny.orders set cancelled_at = ordered_at + interval '1 day' where order_id = 'o8'")
    change(shop, "delete from tiny.order_items where order_id = 'o7' and line_no = 2")
    shop.add(**sale(10))
    assert night_of(shop, 11) == day(10 - LOOKBACK).isoformat()
    assert now(shop, 11) == in_one_go(11)


@pytest.mark.parametrize(
    "statement",
    [
        "update tiny.order_items set unit_price = 9 where order_id = 'o2'",
        "delete from tiny.order_items where order_id = 'o2'; delete from tiny.orders where order_id = 'o2'",
        "update tiny.orders set customer_id = '3' where order_id = 'o2'",
        "update tiny.orders set cancelled_at = ordered_at where order_id = 'o2'",
        "update tiny.reviews set rating = 5 where review_id = 'o3'",
    ],
)
def test_a_correction_older_than_the_look_back_is_found_by_reconciliation(shop, in_one_go, statement):
    change(shop, statement)
    for number in (10, 11, 12):
        shop.add(**sale(number))
        first = night_of(shop, number + 1)
    assert first == day(12 - LOOKBACK).isoformat()  # it was the first of these nights that read it again
    with shop.warehouse.connect(readonly=True) as conn:
        repaired = db.rows(
            conn,
            "select as_of_date from segments.quality_results where expectation = 'repaired' and not success",
        )
    assert {row["as_of_date"] for row in repaired} == {day(11)}
    assert now(shop, 13) == in_one_go(13)


def test_an_outage_with_late_rows_and_an_old_correction_at_once(shop, in_one_go):
    for number in (10, 11, 13, 14, 15):
        shop.add(**sale(number))
    change(shop, "update tiny.order_items set quantity = 7 where order_id = 'o1' and line_no = 1")
    night_of(shop, 16)
    shop.add(**sale(12))  # a day of the outage that the shop itself had late
    shop.add(**sale(16))
    night_of(shop, 17)
    assert now(shop, 17) == in_one_go(17)
