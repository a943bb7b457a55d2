"""Days of the recent months that are not as in the shop are read again; what was refused can be released."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2.errors
import pytest

from segmentation.features import table as features
from segmentation.ingestion import cleaning, extraction, reconciliation
from segmentation.warehouse import db
from tests.small_shop import SmallShop, make_source, select, silent

MONDAY = date(2024, 6, 3)
LONDON = ZoneInfo("Europe/London")


def day(number: int) -> date:
    """Days from Monday on."""
    return MONDAY + timedelta(days=number)


def order(number: int, price: float = 2) -> dict[str, list[dict[str, Any]]]:
    """The order of a day, with one line."""
    when = datetime.combine(day(number), datetime.min.time(), LONDON) + timedelta(hours=12)
    line = {
        "order_id": f"o{number}",
        "line_no": 1,
        "product_id": "p",
        "quantity": 1,
        "unit_price": price,
        "ordered_at": when,
    }
    return {
        "orders": [{"order_id": f"o{number}", "customer_id": "1", "ordered_at": when}],
        "order_items": [line],
    }


@pytest.fixture
def shop(shop_db, warehouse_db, tmp_path, monkeypatch) -> Iterator[SmallShop]:
    """Twenty days with an order each, loaded; the look-back is three days."""
    small = SmallShop(shop_db, warehouse_db, tmp_path, extract={"lookback_days": 3, "reconcile_days": 15})
    small.create()
    make_source(
        monkeypatch,
        tmp_path,
        {"orders": select("orders"), "order_items": select("order_items"), "reviews": select("reviews")},
    )
    for number in range(20):
        small.add(**order(number))
    night_of(small, 20)
    return small


def night_of(shop: SmallShop, number: int, version: str | None = None) -> dict[str, Any]:
    """A night up to the roll-up; returns its window, with the verdicts."""
    night = shop.night(day(number))
    window = reconciliation.run(night, version, lambda since: extraction.run(night, version, silent, since))
    first = window["first"] and date.fromisoformat(window["first"])
    cleaning.run(night, first, night.as_of_date, silent)
    features.roll_up(night, first, night.as_of_date)
    with shop.warehouse.connect() as conn:
        results = db.rows(
            conn,
            "select table_name, severity, success, observed, failing_rows from segments.quality_results "
            "where run_id = %(run_id)s and expectation = 'repaired'",
            night.params,
        )
    return {**window, "results": {row.pop("table_name"): row for row in results}}


def cents(shop: SmallShop) -> int:
    with shop.warehouse.connect(readonly=True) as conn:
        return int(db.scalar(conn, "select coalesce(sum(amount_cents), 0) from core.order_items"))


def change(database, statement: str) -> None:
    with database.connect() as conn:
        db.execute(conn, statement)


def test_a_night_after_a_healthy_one_repairs_nothing(shop):
    night = night_of(shop, 21)
    assert night["first"] == day(17).isoformat()
    assert {table: row["success"] for table, row in night["results"].items()} == {
        "orders": True,
        "order_items": True,
        "reviews": True,
    }


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        # the shop corrects a price, adds an order, cancels one, long after
        ("update tiny.order_items set unit_price = 9 where order_id = 'o8'", "order_items"),
        ("insert into tiny.orders select * from tiny.orders where order_id = 'o8'", "orders"),
        ("update tiny.orders set cancelled_at = ordered_at where order_id = 'o8'", "orders"),
        ("delete from tiny.orders where order_id = 'o8'", "orders"),
    ],
)
def test_a_day_that_the_shop_changed_is_read_again_and_that_is_recorded(statement, table, shop):
    change(shop.shop, statement)
    night = night_of(shop, 21)
    assert night["first"] == day(8).isoformat()
    found = night["results"][table]
    assert (found["severity"], found["success"]) == ("warning", False)
    assert found["observed"] == f"1 (from {day(8)} on), extracted again"
    with shop.warehouse.connect() as conn:
        repaired = "select value from quality.metrics where metric = 'days_repaired' and run_id = 'run-2'"
        values = [row["value"] for row in db.rows(conn, f"{repaired} order by value")]
    assert values == [0, 0, 1]
    assert night_of(shop, 21)["first"] == day(18).isoformat()


def test_rows_lost_in_the_warehouse_come_back(shop):
    change(shop.warehouse, f"delete from staging.order_items where day = '{day(9)}'")
    night = night_of(shop, 21)
    assert night["results"]["order_items"]["failing_rows"] == 1
    assert cents(shop) == 20 * 200


def test_days_before_the_recent_ones_are_left_alone(shop):
    change(shop.shop, "update tiny.order_items set unit_price = 9 where order_id = 'o2'")
    assert night_of(shop, 21)["first"] == day(17).isoformat()


def test_a_day_that_differs_whatever_is_read_is_tried_once(shop, monkeypatch):
    """Only when the shop has something new is it read again."""
    change(shop.shop, "update tiny.order_items set unit_price = 9 where order_id = 'o8'")
    spoilt = reconciliation._ours().replace("sum(quantity)", f"sum(quantity) + (day = '{day(8)}')::int")
    monkeypatch.setattr(reconciliation, "_ours", lambda: spoilt)
    first = night_of(shop, 21)
    assert "differ still" in first["results"]["order_items"]["observed"]
    assert night_of(shop, 21)["first"] == day(18).isoformat()
    change(shop.shop, "update tiny.order_items set unit_price = 8 where order_id = 'o8'")
    assert night_of(shop, 21)["first"] == day(8).isoformat()


def test_a_row_without_an_instant_is_no_difference(shop):
    shop.add(orders=[{"order_id": "x", "customer_id": "1"}])
    night_of(shop, 21)
    assert night_of(shop, 26)["results"]["orders"]["success"]


def test_a_file_is_not_compared(shop):
    night_of(shop, 20, version="a")
    change(shop.shop, "update tiny.order_items set unit_price = 9 where order_id = 'o8'")
    night = night_of(shop, 21, version="a")
    assert (night["first"], cents(shop)) == (day(17).isoformat(), 20 * 200)


# ----------------------------------------------------------------------------------------- quarantine


def release(shop: SmallShop, rule: str, table: str = "order_items", number: int = 8) -> None:
    change(
        shop.warehouse,
        "insert into quarantine.releases (table_name, rule, day_from, day_to, who, why) "
        f"values ('{table}', '{rule}', '{day(number)}', '{day(number + 1)}', 'anna', 'a real order')",
    )


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("amount_absurd", "unit_price = 2000000"),
        ("price_negative", "unit_price = -3"),
        ("discount_invalid", "discount = 5"),
        ("quantity_zero", "quantity = 0"),
    ],
)
def test_a_released_row_re_enters_the_next_night_whatever_its_day(rule, fault, shop):
    change(shop.shop, f"update tiny.order_items set {fault} where order_id = any('{{o8,o9}}')")
    night_of(shop, 21)
    assert refused(shop) == [(day(8), rule), (day(9), rule)]
    release(shop, rule)
    assert night_of(shop, 21)["first"] == day(8).isoformat()
    assert refused(shop) == [(day(9), rule)]
    with shop.warehouse.connect() as conn:
        kept = db.scalar(conn, "select count(*) from core.order_items where order_id = 'o8'")
        assert kept == 1
        assert db.scalar(conn, "select count(*) from quarantine.releases where cleaned_at is null") == 0
    assert night_of(shop, 21)["first"] == day(18).isoformat()


def test_a_released_review_and_order_re_enter(shop):
    when = datetime(2024, 6, 20, 12, tzinfo=LONDON)
    shop.add(
        reviews=[{"review_id": "r", "customer_id": "1", "reviewed_at": when, "rating": 9}],
        orders=[
            {
                "order_id": "late",
                "customer_id": "1",
                "ordered_at": when + timedelta(days=3),
                "updated_at": when,
            }
        ],
    )
    night_of(shop, 21)
    with shop.warehouse.connect() as conn:
        assert db.scalar(conn, "select rule from quarantine.reviews") == "rating_out_of_range"
        assert db.scalar(conn, "select rule from quarantine.orders") == "ordered_at_in_future"
    release(shop, "rating_out_of_range", "reviews", 17)
    release(shop, "ordered_at_in_future", "orders", 17)
    night_of(shop, 21)
    with shop.warehouse.connect() as conn:
        assert db.scalar(conn, "select count(*) from core.reviews") == 1
        assert db.scalar(conn, "select count(*) from core.orders where order_id = 'late'") == 1


@pytest.mark.parametrize("rule", ["product_missing", "order_unknown", "misspelt"])
def test_a_rule_without_which_a_row_cannot_be_stored_cannot_be_released(rule, shop):
    with pytest.raises(psycopg2.errors.CheckViolation, match="rule_can_be_released"):
        release(shop, rule)


def test_quarantine_forgets_what_is_older_than_its_days(shop):
    change(shop.shop, "update tiny.order_items set unit_price = -3 where order_id = any('{o16,o17,o18}')")
    night_of(shop, 20)
    assert len(refused(shop)) == 3
    kept = shop.settings.quality.model_copy(update={"quarantine_days": 4})
    shop.settings = shop.settings.model_copy(update={"quality": kept})
    night_of(shop, 21)
    assert refused(shop) == [(day(17), "price_negative"), (day(18), "price_negative")]


def refused(shop: SmallShop) -> list[tuple[date, str]]:
    with shop.warehouse.connect(readonly=True) as conn:
        rows = db.rows(conn, "select day, rule from quarantine.order_items order by day")
    return [(row["day"], row["rule"]) for row in rows]
