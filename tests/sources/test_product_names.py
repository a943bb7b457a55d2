"""Names of products in a file of transactions: shown where its ids would be, and kept from file to file."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from segmentation.settings import Settings
from segmentation.sources import contract, files
from segmentation.sources.transactions.columns import guess
from segmentation.warehouse import db
from tests.small_shop import SmallShop, silent

FIRST = date(2024, 1, 1)
NAMED = "customer,date,sku,product name,amount"


def rows(header: str, *lines: str) -> str:
    """A file with a line a day."""
    days = [line.replace("DAY", f"{FIRST + timedelta(days=n)}") for n, line in enumerate(lines)]
    return "\n".join([header, *days]) + "\n"


@pytest.fixture
def small(shop_db, warehouse_db, tmp_path) -> SmallShop:
    return SmallShop(shop_db, warehouse_db, tmp_path, source="transactions")


@pytest.fixture
def land(small, tmp_path) -> Callable[..., files.Landed]:
    """Loads a file after those before."""

    def load(content: str, name: str = "orders-1.csv", **file: Any) -> files.Landed:
        (tmp_path / name).write_text(content)
        small.settings = Settings(shop={"name": "t", "source": "transactions"}, file=file)
        return files.land(small.shop, "transactions", str(tmp_path / name), silent, small.settings)

    return load


def catalogue(small: SmallShop, end: date = date(2025, 1, 1)) -> dict[str, str | None]:
    statement = contract.tables_of("transactions")["products"].read_text()
    with small.shop.connect(readonly=True) as conn:
        return {row["product_id"]: row["name"] for row in db.rows(conn, statement, {"end": end})}


@pytest.mark.parametrize(
    ("header", "product_id", "name"),
    [
        (["customer", "date", "amount", "SKU", "Product Name"], 3, 4),
        (["Kunde", "Datum", "Betrag", "Artikelnummer", "Artikelbezeichnung"], 3, 4),
        (["客户", "日期", "金额", "商品编号", "商品名称"], 3, 4),
        (["customer", "date", "amount", "Product Name"], 3, None),  # a name alone is the product
        (["Name", "Email", "Financial Status", "Created at", "Total", "Lineitem quantity", "Lineitem price",
          "Lineitem name", "Lineitem sku"], 8, 7),
    ],
)  # fmt: skip
def test_columns_of_names_are_told_from_those_of_ids(header, product_id, name):
    from segmentation.sources.transactions.columns import ColumnChoice

    places = ColumnChoice({}).find(header)
    assert (places["product_id"], places.get("product_name")) == (product_id, name)
    assert guess(["customer", "date", "amount"]).keys().isdisjoint({"product_id", "product_name"})


def test_product_has_the_name_of_most_of_its_lines_before_the_date(land, small):
    land(rows(NAMED, *["a,DAY,S1,Tee,5"] * 2, *["b,DAY,S1,Green tea,5"] * 3, "a,DAY,S2,,6", "b,DAY,,Cup,7"))
    assert catalogue(small) == {"S1": "Green tea", "S2": None, "Cup": "Cup"}
    assert catalogue(small, FIRST + timedelta(days=2)) == {"S1": "Tee"}


def test_file_without_names_has_no_catalogue(land, small):
    land(rows("customer,date,sku,amount", "a,DAY,S1,5", "b,DAY,S2,5"))
    assert catalogue(small) == {}


def test_names_of_days_that_a_file_no_longer_shows_are_kept(land, small):
    land(rows(NAMED, "a,DAY,S1,Tea,5", "b,DAY,S2,Cup,5"))
    land(f"{NAMED}\na,2024-01-02,S3,Pot,5\n", "orders-2.csv", append=True)
    assert catalogue(small) == {"S1": "Tea", "S3": "Pot"}


def test_lines_of_before_there_were_names_are_kept_when_days_are_added(land, small):
    land(rows("customer,date,sku,amount", "a,DAY,S1,5", "b,DAY,S2,6"))
    with small.shop.connect() as conn:
        db.execute(conn, "alter table transactions.lines drop column product_name")
    land(f"{NAMED}\na,2024-01-02,S3,Pot,5\n", "orders-2.csv", append=True)
    assert catalogue(small) == {"S1": None, "S3": "Pot"}
    with small.shop.connect(readonly=True) as conn:
        assert db.scalar(conn, "select sum(quantity * unit_price) from transactions.lines") == 10


def test_file_that_an_older_version_has_read_is_read_again(land, small, monkeypatch):
    from segmentation.sources import transactions

    content = rows(NAMED, "a,DAY,S1,Tea,5")
    monkeypatch.setattr(transactions, "READER", transactions.READER - 1)
    land(content)
    with small.shop.connect() as conn:
        db.execute(conn, "alter table transactions.lines drop column product_name")
    monkeypatch.undo()
    land(content)
    assert catalogue(small) == {"S1": "Tea"}


def test_night_knows_the_names_of_a_file(land, small):
    landed = land(rows(NAMED, *["a,DAY,S1,Tea,5", "b,DAY,S2,Cup,5"] * 3))
    small.ingest(small.night(FIRST + timedelta(days=6)), landed.version)
    with small.warehouse.connect(readonly=True) as conn:
        known = db.rows(conn, "select product_id, name, is_available from core.products order by 1")
    assert [tuple(row.values()) for row in known] == [("S1", "Tea", True), ("S2", "Cup", True)]
