"""A real shop, dirty as real shops are: every kind of dirt has its fate, and each date stands for itself.

The figures were counted in the published file with pandas, not with this project's SQL.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from segmentation.features import table as features
from segmentation.features.dictionary import available
from segmentation.sources import files
from segmentation.warehouse import db
from tests.small_shop import SmallShop, silent

SOURCE = "online_retail"
SEPTEMBER, DECEMBER, LAST = date(2011, 9, 1), date(2011, 12, 1), date(2011, 12, 10)
FACTS = {
    "core.customers": "valid_from",
    "core.orders": "day",
    "core.order_items": "day",
    "features.customer_day": "day",
    "quarantine.orders": "day",
    "quarantine.order_items": "day",
}

NewShop = Callable[[Path], SmallShop]


@pytest.fixture(scope="module")
def new_shop(new_database, migrated, tmp_path_factory) -> NewShop:
    """A file in a shop database, and an empty warehouse."""

    def make(file: Path) -> SmallShop:
        made = SmallShop(
            new_database(), new_database(migrated), tmp_path_factory.mktemp("artifacts"), source=SOURCE
        )
        files.land(made.shop, SOURCE, str(file), silent)
        return made

    return make


@pytest.fixture(scope="module")
def first_night(online_retail_file, new_shop) -> tuple[SmallShop, dict[str, Any]]:
    """The shop as of 2011-12-01, with what cleaning counted; only read by the tests."""
    shop = new_shop(online_retail_file)
    night = shop.night(DECEMBER)
    counts = shop.ingest(night)["cleaned"]
    features.build(night, silent)
    return shop, counts


@pytest.fixture(scope="module")
def tenth(online_retail_file, tmp_path_factory) -> Path:
    """Every tenth customer's lines, and of those of nobody every tenth invoice's."""
    lines = pd.read_csv(online_retail_file, dtype=str, keep_default_na=False)
    of = lines["CustomerID"].where(lines["CustomerID"] != "", lines["InvoiceNo"])
    file = tmp_path_factory.mktemp("tenth") / "tenth.csv"
    lines[of.str.extract(r"(\d+)", expand=False).astype(int) % 10 == 6].to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def grown(tenth, new_shop) -> SmallShop:
    """A tenth of the shop as of 2011-12-01, for tests that add nights, in whatever order."""
    shop = new_shop(tenth)
    shop.ingest(shop.night(DECEMBER))
    features.build(shop.night(DECEMBER), silent)
    return shop


@pytest.fixture
def shop(first_night) -> SmallShop:
    return first_night[0]


@pytest.fixture
def counts(first_night) -> dict[str, Any]:
    return first_night[1]


def value(shop: SmallShop, query: str, **params: Any) -> Any:
    with shop.warehouse.connect(readonly=True) as conn:
        return db.scalar(conn, query, params)


def read(shop: SmallShop, day: date) -> pd.DataFrame:
    with shop.warehouse.connect(readonly=True) as conn:
        return features.read(conn, day, available(SOURCE))


def before_december(shop: SmallShop) -> dict[str, dict[str, Any]]:
    """Number of facts of the days before 2011-12-01 there are, and a sum over the hashes of all of them."""
    with shop.warehouse.connect(readonly=True) as conn:
        return {
            table: db.row(
                conn,
                f"""
                select
                    count(*) as rows,
                    sum(hashtextextended((to_jsonb(t) - 'run_id' - 'valid_to')::text, 0)) as hash
                from {table} as t where {day} < '2011-12-01'
                """,
            )
            for table, day in FACTS.items()
        }


def test_every_eligible_customer_has_features(shop):
    frame = read(shop, DECEMBER)
    assert len(frame) == 4297
    assert frame.index.is_unique
    assert frame[["recency_days", "frequency_orders", "monetary", "country"]].notna().all(axis=None)


# What the file's dirt comes to as of 2011-12-01. Of its 541,909 lines 516,384 are of days before.
@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # 3,616 invoices have no customer on any line
        (
            "orders",
            {
                "rows_in": 24885,
                "kept": 21269,
                "merged": 0,
                "quarantined": 3616,
                "rules": {"customer_missing": 3616},
            },
        ),
        # their 127,216 lines go with them, among these both negative prices; 4,946 of the other lines are
        # exact copies of a line before
        (
            "order_items",
            {
                "rows_in": 516384,
                "kept": 384222,
                "merged": 4946,
                "quarantined": 127216,
                "rules": {"order_quarantined": 127216},
            },
        ),
        # customers on each day they bought: the country hardly ever changes
        ("customers", {"rows_in": 18488, "kept": 4347, "merged": 14141, "quarantined": 0, "rules": {}}),
    ],
)
def test_every_line_of_the_file_has_a_fate(counts, table, expected):
    assert {name: counts[table][name] for name in expected} == expected
    assert expected["rows_in"] == expected["kept"] + expected["merged"] + expected["quarantined"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # identifiers written as 17850.0 are 17850
        ("select count(*) from core.orders where customer_id !~ '^[0-9]{5}$'", 0),
        ("select count(distinct customer_id) from core.orders", 4331),
        # invoices that start with C are returns, and they have all the negative quantities that are left:
        # the other 1,306 are of invoices without a customer
        ("select count(*) from core.orders where status = 'returned'", 3511),
        ("select count(*) from core.orders where status = 'returned' and order_id not like 'C%%'", 0),
        ("select count(*) from core.order_items where quantity < 0", 8516),
        (
            "select count(*) from core.order_items where quantity < 0 and order_id not like 'C%%'",
            0,
        ),
        (
            "select count(*) from quarantine.order_items where quantity < 0 and order_id not like 'C%%'",
            1306,
        ),
        # a price of zero with a customer is a free item, and is kept
        ("select count(*) from core.order_items where unit_price = 0", 40),
        ("select count(*) from quarantine.order_items where unit_price = 0", 2461 - 40),
        # bad debts, the two negative prices
        ("select count(*) from quarantine.order_items where unit_price < 0", 2),
        ("select count(*) from quarantine.orders where order_id like 'A%%'", 3),
        # postage, fees and the like are kept as services
        ("select count(*) from core.order_items where is_service", 1839),
        (
            "select string_agg(distinct product_id, ' ' order by product_id) from core.order_items "
            "where is_service",
            "BANK CHARGES C2 CRUK D DOT M POST",
        ),
        # codes in mixed case are one product
        ("select count(distinct product_id) from core.order_items", 3676),
        ("select count(*) from core.order_items where product_id <> upper(product_id)", 0),
        # the large order that was entered wrongly, and its reversal a little later
        ("select sum(quantity)::integer from core.order_items where customer_id = '12346'", 0),
        ("select count(*) from core.order_items where customer_id = '12346'", 2),
        # money, to the penny
        ("select sum(gross_cents)::bigint from features.customer_day", 837001845),
        ("select sum(returned_cents)::bigint from features.customer_day", 43303846),
        # eight customers moved to another country
        (
            "select string_agg(distinct customer_id, ' ' order by customer_id) from core.customers "
            "where customer_id in (select customer_id from core.customers group by 1 "
            "having count(distinct country) > 1)",
            "12370 12394 12417 12422 12429 12431 12455 12457",
        ),
    ],
)
def test_each_kind_of_dirt_has_its_stated_fate(shop, query, expected):
    assert value(shop, query) == expected


def test_features_of_september_are_those_of_a_file_that_ends_there(grown, tenth, new_shop, tmp_path):
    whole = pd.read_csv(tenth, dtype=str, keep_default_na=False)
    cut_file = tmp_path / "cut.csv"
    whole[whole["InvoiceDate"] < f"{SEPTEMBER}"].to_csv(cut_file, index=False)
    cut = new_shop(cut_file)
    for each in (cut, grown):
        night = each.night(SEPTEMBER)
        each.ingest(night)
        features.build(night, silent)
    assert len(read(cut, SEPTEMBER)) > 300
    pd.testing.assert_frame_equal(read(grown, SEPTEMBER), read(cut, SEPTEMBER), check_exact=True)
    earlier, _ = features.read_earlier(grown.night(DECEMBER), (DECEMBER - SEPTEMBER).days)
    pd.testing.assert_frame_equal(earlier, read(cut, SEPTEMBER), check_exact=True)


def test_later_nights_change_nothing_of_an_older_date(grown):
    facts, features_before = before_december(grown), read(grown, DECEMBER)
    assert facts["core.order_items"]["rows"] > 30_000
    later = grown.night(LAST)
    window = grown.ingest(later)
    assert window["first"] == "2011-11-21"
    assert value(grown, "select count(*) from core.order_items where abs(quantity) = 80995") == 2
    again = grown.night(DECEMBER)
    grown.ingest(again)
    features.build(again, silent)
    pd.testing.assert_frame_equal(read(grown, DECEMBER), features_before, check_exact=True)
    assert before_december(grown) == facts
