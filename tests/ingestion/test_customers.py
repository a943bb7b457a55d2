"""Attributes of a customer as of each date; customers who are erased, and customers who are merged."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from segmentation.errors import SourceError
from segmentation.features import dictionary
from segmentation.features import table as features
from segmentation.ingestion import cleaning, extraction, reconciliation
from segmentation.operations import erasure
from segmentation.warehouse import db
from tests.small_shop import SELECTS, SmallShop, contents, make_source, select, silent

MONDAY = date(2024, 6, 3)
LONDON = ZoneInfo("Europe/London")


def day(number: int) -> date:
    """Days from Monday on."""
    return MONDAY + timedelta(days=number)


def at(number: int, hour: int = 12) -> datetime:
    return datetime.combine(day(number), datetime.min.time(), LONDON) + timedelta(hours=hour)


@pytest.fixture
def shop(shop_db, warehouse_db, tmp_path, monkeypatch) -> Iterator[SmallShop]:
    """A shop that keeps only the newest state of a customer, as shops do; the look-back is ten days."""
    small = SmallShop(shop_db, warehouse_db, tmp_path)
    small.create()
    make_source(monkeypatch, tmp_path, {table: select(table) for table in SELECTS})
    return small


def buy(shop: SmallShop, order_id: str, customer: str, number: int, price: float = 2) -> None:
    line = {"order_id": order_id, "line_no": 1, "product_id": "p", "quantity": 1, "unit_price": price}
    order = {"order_id": order_id, "customer_id": customer, "ordered_at": at(number)}
    shop.add(orders=[order], order_items=[{**line, "ordered_at": at(number)}])


def change(shop: SmallShop, statement: str, **params: Any) -> None:
    with shop.shop.connect() as conn:
        db.execute(conn, statement, params)


def move(shop: SmallShop, number: int, **attributes: Any) -> None:
    """The shop writes a change of customer 1 over what it had."""
    change(shop, "delete from tiny.customers where customer_id = '1'")
    shop.add(customers=[{"customer_id": "1", "updated_at": at(number), **attributes}])


def known(shop: SmallShop, until: int, columns: str = "city, consent, email_sha256") -> tuple | None:
    """Attributes of customer 1 as of a date."""
    with shop.warehouse.connect(readonly=True) as conn, conn.cursor() as cursor:
        cursor.execute(
            f"select {columns} from core.customers where customer_id = '1' "
            "and valid_from < %(d)s and valid_to >= %(d)s",
            {"d": day(until)},
        )
        return cursor.fetchone()


def night_of(shop: SmallShop, number: int) -> dict[str, Any]:
    """A night up to the features, with reconciliation."""
    night = shop.night(day(number))
    window = reconciliation.run(night, None, lambda since: extraction.run(night, None, silent, since))
    first = window["first"] and date.fromisoformat(window["first"])
    counts = cleaning.run(night, first, night.as_of_date, silent)
    features.roll_up(night, first, night.as_of_date)
    return {**window, "cleaned": counts}


def test_a_date_sees_city_consent_and_address_as_they_were_known_before_it(shop):
    """Also within the look-back, where the shop no longer has what it had when the day was read first."""
    states = {0: ("Rome", True, "a" * 64), 4: ("Oslo", True, "b" * 64), 6: ("Oslo", False, "b" * 64)}
    for number in range(0, 9):
        if number in states:
            city, consent, address = states[number]
            move(shop, number, city=city, consent=consent, email_sha256=address)
        buy(shop, f"o{number}", "1", number)
        night_of(shop, number + 1)
    expected = {1: states[0], 4: states[0], 5: states[4], 6: states[4], 7: states[6], 9: states[6]}
    assert {until: known(shop, until) for until in expected} == expected
    assert known(shop, 0) is None
    night_of(shop, 5)  # a backfilled date reads its window again, when the shop has only the newest state
    assert {until: known(shop, until) for until in expected} == expected
    with shop.warehouse.connect(readonly=True) as conn:
        assert db.scalar(conn, "select count(*) from core.customers") == len(states)


def test_a_feature_of_an_older_date_is_made_of_what_was_known_then(shop):
    move(shop, 0, country="IT", birth_year=1980)
    buy(shop, "o", "1", 0)
    night_of(shop, 1)
    move(shop, 3, country="NO", birth_year=1981)
    night_of(shop, 4)
    for until, country, age in ((1, "IT", 44), (3, "IT", 44), (4, "NO", 43)):
        night = shop.night(day(until))
        features.build(night, silent)
        with shop.warehouse.connect(readonly=True) as conn:
            frame = features.read(conn, night.as_of_date, dictionary.of(night))
        assert (frame.loc["1", "country"], frame.loc["1", "age_years"]) == (country, age)


def test_a_change_of_today_is_not_seen_today(shop):
    """The shop has the new state only, the night of that day must not see it: what was known stays."""
    move(shop, 0, city="Rome")
    buy(shop, "o", "1", 0)
    night_of(shop, 1)
    move(shop, 2, city="Oslo")  # at noon of day 2, before the night of day 2 is run late
    night_of(shop, 2)
    assert known(shop, 2, "city") == ("Rome",)


def test_a_state_corrected_on_its_own_day_is_replaced(shop):
    move(shop, 0, city="Rome")
    night_of(shop, 1)
    move(shop, 0, city="Roma")
    night_of(shop, 2)
    assert known(shop, 1, "city") == known(shop, 2, "city") == ("Roma",)


def test_a_file_says_all_there_is(shop):
    """A changed file is read as a whole, so a state that it has no more is forgotten."""
    move(shop, 0, city="Rome")
    shop.ingest(shop.night(day(1)), version="one")
    move(shop, 3, city="Oslo")
    shop.ingest(shop.night(day(5)), version="two")
    assert known(shop, 2, "city") is None
    assert known(shop, 5, "city") == ("Oslo",)


# ------------------------------------------------------------------------------------------------- erased


def test_an_erased_customer_is_gone_from_every_table_and_comes_not_back(shop):
    move(shop, 0, city="Rome", email_sha256="a" * 64)
    for customer, number in (("1", 0), ("1", 3), ("2", 1)):
        buy(shop, f"o{number}", customer, number)
    event = {"event_id": "e", "session_id": "s", "event_type": "view", "occurred_at": at(1)}
    shop.add(
        events=[{**event, "customer_id": "1"}],
        reviews=[{"review_id": "r", "customer_id": " 1 ", "reviewed_at": at(2), "rating": 9, "body": "mine"}],
    )
    night_of(shop, 5)
    for until in (4, 5):
        features.build(shop.night(day(until)), silent)
    with pytest.raises(SourceError, match=r"the shop's (orders|customers) still have this customer"):
        erasure.erase(shop.night(day(5)), "1")
    change(shop, "delete from tiny.customers where customer_id = '1'")
    for table in ("events", "reviews"):
        change(shop, f"delete from tiny.{table} where btrim(customer_id) = '1'")
    change(shop, "delete from tiny.order_items where order_id = any('{o0,o3}')")
    change(shop, "delete from tiny.orders where order_id = 'o3'")
    change(shop, "update tiny.orders set customer_id = null where order_id = 'o0'")  # the sale remains
    erased = erasure.erase(shop.night(day(5)), "1")
    assert erased["core.orders"] == 2
    assert erased["features.customer_features"] == 2
    assert not mentioned(shop)
    night_of(shop, 6)
    assert not mentioned(shop)
    assert erasure.erase(shop.night(day(6)), "1") == {}
    with shop.warehouse.connect(readonly=True) as conn:
        assert db.scalar(conn, "select sum(orders) from features.customer_day") == 1


def mentioned(shop: SmallShop) -> list[str]:
    """The tables that have anything of customer 1: the id, or an order of it."""
    with shop.warehouse.connect(readonly=True) as conn:
        tables = [*erasure.tables(conn), "staging.order_items", "core.order_items"]
    found = contents(shop.warehouse, tables)
    marks = ('"customer_id": "1"', '"customer_id": " 1 "', '"order_id": "o3"')
    return [table for table, rows in found.items() if any(mark in row for row in rows for mark in marks)]


# ------------------------------------------------------------------------------------------------- merged


def test_orders_given_to_another_customer_are_found_and_their_days_read_again(shop):
    """Two accounts become one: rows and sums stay as they were, only the customer is another."""
    buy(shop, "old", "2", 0)
    buy(shop, "new", "1", 20)
    night_of(shop, 21)
    change(shop, "update tiny.orders set customer_id = '1' where customer_id = '2'")
    assert night_of(shop, 22)["first"] == day(0).isoformat()
    night = shop.night(day(22))
    features.build(night, silent)
    with shop.warehouse.connect(readonly=True) as conn:
        frame = features.read(conn, night.as_of_date, dictionary.of(night))
        owners = db.rows(conn, "select distinct customer_id from features.customer_day where orders > 0")
    assert list(frame.index) == ["1"]
    assert frame.loc["1", "frequency_orders"] == 2
    assert owners == [{"customer_id": "1"}]
    assert night_of(shop, 23)["first"] == day(12).isoformat()
