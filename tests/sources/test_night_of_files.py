"""Nights of files as people export them: what an inspection tells is what the warehouse and the features have."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmentation.features import table as features
from segmentation.settings import Settings
from segmentation.sources import files, inspect
from segmentation.sources.transactions import counts, reading
from segmentation.warehouse import db
from tests.small_shop import SmallShop, forget, silent
from tests.sources.test_cases import CASES, TIMEZONE, file

WAREHOUSE = """
select
    count(distinct o.customer_id) as customers,
    count(distinct i.order_id) as orders,
    count(i.order_id) as lines,
    coalesce(sum(i.amount_cents), 0)::bigint as cents
from core.orders as o
left join core.order_items as i on o.order_id = i.order_id and o.cancelled_on is null
"""
FEATURES = """
select count(*) as customers, sum(frequency_orders)::integer as orders, round(sum(spend_365d)::numeric, 2)::float as spent
from features.customer_features
where as_of_date = %(as_of_date)s
"""  # noqa: E501


@pytest.fixture(scope="module")
def shops(new_database, migrated, drop_database, tmp_path_factory) -> Iterator[SmallShop]:
    """A shop and a warehouse for all these files, emptied before each."""
    shop, warehouse = new_database(), new_database(migrated)
    yield SmallShop(shop, warehouse, tmp_path_factory.mktemp("store"), source="transactions")
    drop_database(shop)
    drop_database(warehouse)


@pytest.fixture
def small(shops) -> SmallShop:
    """The shop, with nothing in it."""
    with shops.shop.connect() as conn:
        db.execute(conn, "drop schema if exists files cascade; drop schema if exists transactions cascade")
    forget(shops.warehouse)
    return shops


def settings_of(zone: str, source: str = "transactions", **file_settings: Any) -> Settings:
    return Settings(shop={"name": "t", "source": source, "timezone": zone}, file=file_settings)


def of_accounts(path: Path, settings: Settings) -> dict[str, Any]:
    """Figures of an inspection without the orders of guests, whom the warehouse puts aside."""
    found = reading.read(path, settings)
    whole, amount = counts.of(found), counts.revenue(found)
    known = found.is_dated & ~found.lines.customers.is_empty()
    counted = known & ~found.lines.is_out & ~np.isnan(amount) & (found.lines.pieces != 0)
    orders = counts.order_numbers(found, counts.placed_at(found))
    figures = {
        "customers": whole.customers,
        "orders": len(np.unique(orders[counted])),
        "lines": int(counted.sum()),
        "cents": round(float(amount[counted].sum()) * 100),
    }
    if not whole.guests:  # then these are the figures that people see
        seen = inspect.inspect(path, settings)
        assert figures == {
            **{"customers": seen.customers, "orders": seen.orders, "lines": seen.lines},
            "cents": round(seen.revenue * 100),
        }
    return figures


def ingest(small: SmallShop, path: Path, settings: Settings):
    small.settings = settings
    landed = files.land(small.shop, settings.shop.source, str(path), silent, settings)
    night = small.night(landed.last_day + timedelta(days=1))
    small.ingest(night, landed.version)
    return night


READ = [name for name, case in CASES.items() if not case.refused]


@pytest.mark.parametrize("name", READ)
def test_warehouse_has_what_an_inspection_counted(small, name):
    settings = settings_of(CASES[name].environment.get(TIMEZONE, "Europe/London"))
    ingest(small, file(name), settings)
    with small.warehouse.connect(readonly=True) as conn:
        assert db.row(conn, WAREHOUSE) == of_accounts(file(name), settings)


SYSTEMS = {
    "types and refunds": (
        "order,customer,date,type,amount,refunded\n",
        lambda n: (
            f"{n},c{n % 5},2024-01-{1 + n % 28:02},{'Credit Note' if n % 7 == 0 else 'Invoice'},{10 + n}.50,"
            f"{'2.25' if n % 5 == 0 else ''}\n"
        ),
    ),
    "events": (
        "event_time,event_type,product_id,price,user_id\n",
        lambda n: (
            f"2024-01-{1 + n % 28:02} 08:{n:02}:00 UTC,{('view', 'cart', 'purchase')[n % 3]},{n},{5 + n}.25,{n % 6}\n"
        ),
    ),
    "paid or not": (
        "order,customer,date,amount,is_paid\n",
        lambda n: f"{n},c{n % 5},2024-01-{1 + n % 28:02},{10 + n}.50,{'no' if n % 4 == 0 else 'yes'}\n",
    ),
    "status and cancelled_at": (
        "order,customer,date,amount,status,cancelled_at\n",
        lambda n: (
            f"{n},c{n % 5},2024-01-{1 + n % 28:02},{10 + n}.50,{('Completed', 'Failed', 'Refunded')[n % 3]},"
            f"{'2024-02-01' if n % 4 == 0 else ''}\n"
        ),
    ),
    "flags of tests": (
        "order,customer,date,amount,test\n",
        lambda n: f"{n},c{n % 5},2024-01-{1 + n % 28:02},{10 + n}.50,{'true' if n % 9 == 0 else 'false'}\n",
    ),
    "times of another zone": (
        "order,customer,date,time (EST),amount,Invoice Status\n",
        lambda n: (
            f"{n},c{n % 5},2024-01-{1 + n % 28:02},2{n % 4}:05,Rs.{10 + n},{'Void' if n % 9 == 0 else 'Closed'}\n"
        ),
    ),
    "dates of cancellations that are none": (
        "order,customer,date,amount,cancelled_at\n",
        lambda n: (
            f"{n},c{n % 5},2024-01-{1 + n % 28:02},{10 + n}.50,{'2024-02-01' if n % 4 == 0 else '1970-01-01'}\n"
        ),
    ),
    "customers at the head of groups": (
        "customer,date,product,amount\n",
        lambda n: (
            f"{f'c{n // 5},,,' + chr(10) if n % 5 == 0 else ''},2024-01-{1 + n // 2:02},P{n},{10 + n}.50\n"
        ),
    ),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_warehouse_leaves_out_what_roles_say_came_to_nothing(small, tmp_path, name):
    header, row = SYSTEMS[name]
    path = tmp_path / "orders.csv"
    path.write_text(header + "".join(map(row, range(40))))
    settings = settings_of("UTC")
    expected = of_accounts(path, settings)
    ingest(small, path, settings)
    with small.warehouse.connect(readonly=True) as conn:
        assert db.row(conn, WAREHOUSE) == expected
    assert 0 < expected["orders"] < 40 or name == "types and refunds"


# one of each kind; spent and orders are of customers who bought something
KINDS = {
    "dates": ("date-dd-mon-97.csv", 9, 60, 2400.00),
    "stamps": ("stamp-12-digits-yyyymmddhhmm.csv", 9, 60, 2400.00),
    "zones": ("zone-cst-java.csv", 9, 60, 2400.00),
    "the double hour": ("two-orders-in-the-double-hour.csv", 1, 2, 20.00),
    "amounts": ("amounts-lakh.csv", 9, 60, 7_408_770.00),
    "columns": ("header-twice.csv", 9, 60, 2400.00),
    "sheets": ("hidden-sheet.xlsx", 9, 60, 2400.00),
    "orders and lines": ("customer-and-date-on-first-lines.csv", 9, 20, 2400.00),
    "customers": ("total-rows-dated.csv", 9, 60, 2400.00),
    "known exports": ("shopify-orders-export.csv", 17, 34, 1811.60),
}


@pytest.mark.parametrize("kind", KINDS)
def test_features_of_a_night_are_of_the_right_values(small, kind):
    name, customers, orders, spent = KINDS[kind]
    night = ingest(small, file(name), settings_of(CASES[name].environment.get(TIMEZONE, "Europe/London")))
    features.build(night, silent)
    with small.warehouse.connect(readonly=True) as conn:
        found = db.row(conn, FEATURES, night.params)
    assert found == {"customers": customers, "orders": orders, "spent": pytest.approx(spent)}


def test_features_of_a_file_source_are_of_the_right_values(small):
    """The days of this file may all be months: they are decided as those of a file of transactions are."""
    path = file("online-retail-dmy-days-1-to-12.csv")
    with small.shop.connect() as conn:
        db.execute(conn, "drop schema if exists online_retail cascade")
    night = ingest(small, path, settings_of("Europe/London", "online_retail"))
    features.build(night, silent)
    with small.warehouse.connect(readonly=True) as conn:
        found = db.row(conn, FEATURES, night.params)
    seen = inspect.inspect(path, settings_of("Europe/London"))
    assert found == {"customers": 9, "orders": 60, "spent": pytest.approx(seen.revenue)}
    assert night.as_of_date.isoformat() == "2011-01-13"


def test_nights_of_a_file_that_grows_by_deltas(small, tmp_path):
    """Each delta adds its days; what an earlier one showed stays, as if one file had had all of it."""
    rows = [f"{n},c{n % 4},2024-01-{1 + n:02},{10 + n}.00\n" for n in range(20)]
    for number, part in enumerate((rows[:8], rows[6:14], rows[14:])):
        path = tmp_path / f"delta-{number}.csv"
        path.write_text("order,customer,date,amount\n" + "".join(part))
        night = ingest(small, path, settings_of("UTC", append=number > 0))
    whole = tmp_path / "whole.csv"
    whole.write_text("order,customer,date,amount\n" + "".join(rows))
    features.build(night, silent)
    with small.warehouse.connect(readonly=True) as conn:
        assert db.row(conn, WAREHOUSE) == of_accounts(whole, settings_of("UTC"))
        assert db.row(conn, FEATURES, night.params)["orders"] == 20
