"""Files as people export them, each with its right answer, through the command that people use.

The files are found beside the repository; what is right of each stands here.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from segmentation import cli, settings
from segmentation.settings import Settings
from segmentation.sources import files
from segmentation.sources.inspect import command, inspect
from segmentation.warehouse import db
from tests.conftest import SHARED_DATA
from tests.small_shop import SmallShop, silent

FOLDER = SHARED_DATA.parent / "cases" / "files"
TIMEZONE = "SEGMENTATION__SHOP__TIMEZONE"
COLUMNS = "SEGMENTATION__FILE__COLUMNS"
ONE_A_DAY = {"customers": 9, "orders": 60, "lines": 60, "revenue": 2400.00, "guests": 0, "quarantined": 0}
OF_DAYS = {**ONE_A_DAY, "first": "2024-01-03", "last": "2024-03-02"}
TO_MARCH_3 = {**OF_DAYS, "last": "2024-03-03"}


@dataclass(frozen=True)
class Case:
    """Right answer for a file: figures, or words of its refusal; and what should be said of it."""

    figures: dict[str, Any] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    refused: str = ""
    environment: dict[str, str] = field(default_factory=dict)


CASES = {
    "date-dd-mon-yy-time.csv": Case(
        {**ONE_A_DAY, "first": "2024-01-03T08:05:00+00:00", "last": "2024-03-03T20:28:00+00:00"}
    ),
    "date-d-mon-yy.csv": Case(TO_MARCH_3, ("day, month, year",)),
    "date-dd-mon-yyyy-control.csv": Case(TO_MARCH_3),
    "date-dd-mon-97.csv": Case({**ONE_A_DAY, "first": "1997-01-02", "last": "1997-03-03"}),
    "date-yy-mm-dd-slashes.csv": Case(OF_DAYS, ("year, month, day",)),
    "stamp-12-digits-yyyymmddhhmm.csv": Case(
        {**ONE_A_DAY, "first": "2024-01-03T08:00:00+00:00", "last": "2024-03-02T08:59:00+00:00"}
    ),
    "stamp-10-digits-yyyymmddhh.csv": Case(
        {**ONE_A_DAY, "first": "2024-01-03T08:00:00+00:00", "last": "2024-03-02T08:00:00+00:00"}
    ),
    "zone-gmt-plus-9.csv": Case(
        {**ONE_A_DAY, "first": "2024-07-02T23:00:00+00:00"},
        ("days are counted in UTC",),
        "",
        {TIMEZONE: "UTC"},
    ),
    "zone-cst-java.csv": Case(
        {**ONE_A_DAY, "first": "2024-07-03T08:00:00+08:00"}, (), "", {TIMEZONE: "Asia/Shanghai"}
    ),
    "woo-order-total-on-every-line.csv": Case(
        {"customers": 11, "orders": 27, "revenue": 854.00, "guests": 15},
        ("'order_total' is the total of an order", "left out by 'order_status'"),
    ),
    "guest-words.csv": Case(
        {"customers": 3, "orders": 60, "lines": 60, "revenue": 2400.00, "guests": 42},
        ("lines without a customer, quarantined: 42",),
    ),
    "total-rows-dated.csv": Case({**OF_DAYS, "quarantined": 2}, ("lines that are sums, quarantined: 2",)),
    "currency-signs-mixed.csv": Case(
        {"customers": 9, "lines": 60, "currency": None}, ("30 in EUR, 30 in USD lines",)
    ),
    "credit-notes-cr-dr.csv": Case(
        {"customers": 9, "lines": 60, "revenue": 2070.00}, ("CR beside an amount",)
    ),
    "quantity-pcs.csv": Case(
        {"customers": 9, "lines": 60, "revenue": 1140.00, "currency": None}, ("no currency is named",)
    ),
    "quantity-1.000-beside-9,50.csv": Case({"customers": 9, "lines": 60, "revenue": 570.00}),
    "discount-of-cents.csv": Case(refused="say DISCOUNT=money or DISCOUNT=share"),
    "quantity-0-with-an-amount.csv": Case(
        {"revenue": 570.00, "lines": 60, "quarantined": 0}, ("amounts without pieces count as one piece: 10",)
    ),
    "decimal-comma-in-commas.csv": Case(refused="4 values under 3 names"),
    "header-twice.csv": Case(OF_DAYS, ("it could also be 'amount'", "column 3")),
    "no-header-with-names-and-mails.csv": Case(refused="5 columns and no header"),
    "magento-grid.csv": Case(
        refused="there is no column 'Grand Totl (Base)'",
        environment={COLUMNS: "customer_id=Customer Email,ordered_at=Purchase Date,amount=Grand Totl (Base)"},
    ),
    "shopify-orders-export.csv": Case(
        {"customers": 17, "orders": 34, "lines": 67, "revenue": 1811.60, "currency": "USD"},
        ("orders exported from Shopify", "left out by 'Financial Status'"),
    ),
    "customer-and-date-on-first-lines.csv": Case(
        {"customers": 9, "orders": 20, "lines": 60, "revenue": 2400.00, "quarantined": 0},
        ("40 lines filled down",),
    ),
    "ids-scientific.csv": Case(refused="'customer' (customer_id): 30 lines"),
    "online-retail-dmy-days-1-to-12.csv": Case(
        {
            "customers": 9,
            "orders": 60,
            "first": "2011-01-01T08:00:00+00:00",
            "last": "2011-01-12T08:59:00+00:00",
        },
        ("only so the days follow each other",),
    ),
    "two-orders-in-the-double-hour.csv": Case(
        {
            **{"customers": 1, "orders": 2, "revenue": 20.00},
            **{"first": "2024-10-27T02:30:00+02:00", "last": "2024-10-27T02:30:00+01:00"},
        },
        environment={TIMEZONE: "Europe/Berlin"},
    ),
    "hidden-sheet.xlsx": Case(
        {"customers": 9, "lines": 60, "revenue": 2400.00}, ("left out, for it is hidden: sheet 'old'",)
    ),
    "footer-with-two-values.csv": Case({**OF_DAYS, "quarantined": 1}, ("line 62: 2 values instead of 3",)),
    "amounts-reais.csv": Case({"revenue": 73800.00, "currency": "BRL"}),
    "amounts-lakh.csv": Case({"revenue": 7408770.00, "currency": None}),
    "amounts-us-dollar.csv": Case({"revenue": 2520.00, "currency": "USD"}),
    "dates-today-infinity.csv": Case(refused="'xxxxx' is no date"),
    "till-cp850.csv": Case({**TO_MARCH_3, "customers": 9}, ("CP850 text",)),
    "erase-by-mail.csv": Case(OF_DAYS),
}


def file(name: str) -> Path:
    if not (FOLDER / name).exists():
        pytest.skip(f"{name} is not here (looked for it in {FOLDER})")
    return FOLDER / name


@pytest.fixture
def inspected(monkeypatch, capsys) -> Iterator[Callable[[Path, dict[str, str]], tuple[int, dict[str, Any]]]]:
    """The exit code and the object of `inspect --json`, with these variables of the environment."""

    def run(path: Path, environment: dict[str, str]) -> tuple[int, dict[str, Any]]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        settings.load.cache_clear()
        code = command(str(path), as_json=True)
        return code, json.loads(capsys.readouterr().out)

    yield run
    settings.load.cache_clear()


@pytest.mark.parametrize("name", CASES)
def test_right_answer_of_a_file_as_people_export_it(inspected, name):
    case = CASES[name]
    code, found = inspected(file(name), case.environment)
    said = "\n".join(found["said"])
    if case.refused:
        assert case.refused in found["refused"]
        assert code != 0
        return
    assert found["refused"] is None
    assert code == 0
    assert {key: found[key] for key in case.figures} == case.figures
    for words in case.says:
        assert words in said


@pytest.mark.parametrize("words", [["FILE"], ["--data", "FILE"], ["FILE", "--source", "online_retail"]])
def test_command_line_takes_the_file_with_and_without_its_name(tmp_path, capsys, words):
    path = tmp_path / "orders.csv"
    path.write_text("customer,date,amount\na,2024-01-03,5.00\n")
    code = cli.main(["inspect", *(word.replace("FILE", str(path)) for word in words), "--json"])
    settings.load.cache_clear()
    found = json.loads(capsys.readouterr().out)
    assert (code, found["revenue"], found["refused"]) == (0, 5.0, None)


def test_command_line_refuses_a_source_that_no_file_is_of(tmp_path, capsys):
    path = tmp_path / "orders.csv"
    path.write_text("customer,date,amount\na,2024-01-03,5.00\n")
    code = cli.main(["inspect", str(path), "--source", "demo", "--json"])
    settings.load.cache_clear()
    assert "source 'demo' is none that is read from one" in json.loads(capsys.readouterr().out)["refused"]
    assert code != 0


def test_every_file_of_the_folder_has_its_right_answer_here():
    if not FOLDER.exists():
        pytest.skip(f"the files are not here (looked for them in {FOLDER})")
    assert {path.name for path in FOLDER.iterdir()} - {"README.md"} == set(CASES)


def test_refusal_of_a_file_without_header_has_none_of_its_values(inspected):
    _, found = inspected(file("no-header-with-names-and-mails.csv"), {})
    told = json.dumps(found)
    assert not any(value in told for value in ("Ann", "example", "170"))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.refused])
def test_night_loads_the_lines_that_were_inspected(shop_db, name):
    """The database, by the SELECTs that a night reads it with, has the same customers, orders, lines and
    revenue.
    """
    path, zone = file(name), CASES[name].environment.get(TIMEZONE, "Europe/London")
    told = Settings(shop={"name": "t", "source": "transactions", "timezone": zone})
    files.land(shop_db, "transactions", str(path), silent, told)
    found = inspect(path, told)
    with shop_db.connect(readonly=True) as conn:
        loaded = db.row(conn, COUNTED, {"start": "1900-01-01", "end": "2200-01-01"})
    assert {key: getattr(found, key) for key in loaded} == {
        key: float(value) if key == "revenue" else value for key, value in loaded.items()
    }


COUNTED = f"""
with orders as ({db.statement("extract/transactions/orders.sql").strip()}),

items as ({db.statement("extract/transactions/order_items.sql").strip()}),

counted as (
    select i.*
    from items as i
    inner join orders as o on i.order_id = o.order_id
    where
        o.ordered_at is not null and o.status <> 'cancelled'
        and i.quantity <> 0 and i.unit_price is not null
)

select
    (select count(distinct customer_id) from orders where ordered_at is not null) as customers,
    (select count(*) from orders where ordered_at is not null and customer_id is null) as guests,
    count(distinct order_id) as orders,
    count(*) as lines,
    round(coalesce(sum(quantity * unit_price - discount), 0), 2) as revenue
from counted
"""


@pytest.mark.parametrize(
    ("name", "orders", "spent"),
    [
        # of customers with an account: 18 of the 27 orders that count
        ("woo-order-total-on-every-line.csv", 18, 557.00),
        ("shopify-orders-export.csv", 34, 1811.60),
        ("total-rows-dated.csv", 60, 2400.00),
        ("credit-notes-cr-dr.csv", 54, 2070.00),
        ("two-orders-in-the-double-hour.csv", 2, 20.00),
    ],
)
def test_warehouse_has_the_orders_and_the_money_that_were_inspected(
    shop_db, warehouse_db, tmp_path, name, orders, spent
):
    """From the file to the roll-up, which features are made of; guests are quarantined on the way."""
    path, zone = file(name), CASES[name].environment.get(TIMEZONE, "Europe/London")
    small = SmallShop(shop_db, warehouse_db, tmp_path, source="transactions")
    small.settings = Settings(shop={"name": "t", "source": "transactions", "timezone": zone})
    landed = files.land(shop_db, "transactions", str(path), silent, small.settings)
    small.ingest(small.night(landed.last_day + timedelta(days=1)), landed.version)
    with small.warehouse.connect(readonly=True) as conn:
        found = db.row(
            conn,
            """
            select sum(orders)::integer as orders, sum(cents)::bigint as cents
            from (
                select orders, gross_cents - coalesce(returned_cents, 0) as cents from features.customer_day
                union all
                select -orders, returned_cents - gross_cents from features.customer_day_cancelled
            ) as counted
            """,
        )
    assert (found["orders"], found["cents"] / 100) == (orders, spent)
