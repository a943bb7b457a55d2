"""The catalogue of a shop, as it was known on each date."""

from datetime import date

import pytest

from segmentation.warehouse import db
from tests.small_shop import SELECTS, SOURCE, SmallShop, make_source, select

DAY, NEXT = date(2024, 3, 2), date(2024, 3, 3)
ORDER = {
    "order_id": "1",
    "customer_id": "a",
    "ordered_at": "2024-03-01 10:00+00",
    "updated_at": "2024-03-01 10:00+00",
}
LINE = {
    "order_id": "1",
    "line_no": 1,
    "product_id": "P1",
    "quantity": 1,
    "unit_price": 2,
    "ordered_at": "2024-03-01 10:00+00",
}


@pytest.fixture
def shop(shop_db, warehouse_db, tmp_path, monkeypatch) -> SmallShop:
    selects = {table: select(table) for table in SELECTS} | {"products": f"select * from {SOURCE}.products"}
    make_source(monkeypatch, tmp_path, selects)
    made = SmallShop(shop_db, warehouse_db, tmp_path)
    made.create()
    made.add(orders=[ORDER], order_items=[LINE])
    return made


def sells(shop: SmallShop, *rows: dict) -> None:
    with shop.shop.connect() as conn:
        db.execute(conn, f"delete from {SOURCE}.products")
    shop.add(products=list(rows))


def known(shop: SmallShop, day: date) -> list[tuple]:
    query = (
        "select product_id, name, is_available from core.products "
        "where valid_from < %(d)s and %(d)s <= valid_to order by 1"
    )
    with shop.warehouse.connect(readonly=True) as conn:
        return [tuple(row.values()) for row in db.rows(conn, query, {"d": day})]


def test_what_is_read_first_has_always_been_so(shop):
    sells(shop, {"product_id": " P1 ", "name": "Tea", "price": 2}, {"product_id": "P2", "available": False})
    shop.ingest(shop.night(DAY))
    assert known(shop, DAY) == known(shop, date(2020, 1, 1)) == [("P1", "Tea", True), ("P2", None, False)]


def test_a_change_is_known_from_the_date_that_read_it(shop):
    sells(shop, {"product_id": "P1", "name": "Tea"}, {"product_id": "P2"}, {"product_id": "P3"})
    shop.ingest(shop.night(DAY))
    before = known(shop, DAY)
    sells(shop, {"product_id": "P1", "name": "Green tea"}, {"product_id": "P3"}, {"product_id": "P4"})
    for _ in range(2):
        shop.ingest(shop.night(NEXT))
        assert known(shop, DAY) == before
        assert known(shop, NEXT) == [("P1", "Green tea", True), ("P3", None, True), ("P4", None, True)]
    sells(shop, {"product_id": "P1", "name": "Black tea"})
    shop.ingest(shop.night(NEXT))
    assert known(shop, NEXT) == [("P1", "Black tea", True)]
    assert known(shop, DAY) == before


def test_an_earlier_date_that_is_run_again_does_not_take_over_the_catalogue_of_today(shop):
    sells(shop, {"product_id": "P1", "name": "Tea"})
    shop.ingest(shop.night(DAY))
    sells(shop, {"product_id": "P1", "name": "Green tea"})
    shop.ingest(shop.night(NEXT))
    shop.ingest(shop.night(DAY))
    assert known(shop, DAY) == [("P1", "Tea", True)]
    assert known(shop, NEXT) == [("P1", "Green tea", True)]


def test_every_row_is_kept_merged_or_quarantined(shop):
    sells(
        shop,
        {"product_id": "P1", "name": "Tea", "available": False},
        {"product_id": "P1", "name": "Tea", "available": True},
        {"product_id": " ", "name": "nameless"},
        {"product_id": "P2", "price": -1},
        {"product_id": "P3", "name": "x" * 100_000},
    )
    for _ in range(2):
        night = shop.night(DAY)
        shop.ingest(night)
        with shop.warehouse.connect(readonly=True) as conn:
            counts = db.one(
                conn,
                "select rows_in, kept, merged, quarantined, rules from core.row_counts "
                "where table_name = 'products' and run_id = %(run_id)s",
                night.params,
            )
        assert counts == {
            "rows_in": 5,
            "kept": 1,
            "merged": 1,
            "quarantined": 3,
            "rules": {"product_missing": 1, "price_negative": 1, "text_too_long": 1},
        }
        assert known(shop, DAY) == [("P1", "Tea", True)]
