"""A file that shows less than the one before is a question; a file may add its days to those known before."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from segmentation.errors import SourceError
from segmentation.settings import Settings
from segmentation.sources import files
from segmentation.warehouse import db
from tests.small_shop import silent

FIRST = date(2024, 1, 1)


def rows(days: range, customers: int = 5, amount: str = "1.50") -> str:
    """A line a day, of customers in turn."""
    lines = [f"c{n % customers},{FIRST + timedelta(days=n)},{amount}" for n in days]
    return "\n".join(["customer,date,amount", *lines]) + "\n"


@pytest.fixture
def land(shop_db, tmp_path) -> Callable[..., files.Landed]:
    """Loads a file after those before."""

    def load(content: str, name: str = "orders-1.csv", **file: Any) -> files.Landed:
        (tmp_path / name).write_text(content)
        settings = Settings(shop={"name": "t", "source": "transactions"}, file=file)
        return files.land(shop_db, "transactions", str(tmp_path / name), silent, settings)

    return load


def loaded(shop_db) -> list[tuple[date, float]]:
    with shop_db.connect(readonly=True) as conn:
        found = db.rows(
            conn,
            "select (placed_at at time zone 'Europe/London')::date as day, quantity * unit_price as amount "
            "from transactions.lines order by day, amount",
        )
    return [(row["day"], float(row["amount"])) for row in found]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (rows(range(10, 60)), "it begins on 2024-01-11, and not on 2024-01-01"),
        (rows(range(0, 50, 2)), "it has 25 days with orders, and not 40"),
        (rows(range(60), customers=3), "it has 3 customers, and not 5"),
    ],
)
def test_file_that_shows_less_is_refused_until_somebody_says_that_it_is_meant(land, shop_db, content, says):
    land(rows(range(40)))
    with pytest.raises(SourceError, match=says) as refused:
        land(content, "orders-2.csv")
    assert "APPEND=1" in str(refused.value)
    assert len(loaded(shop_db)) == 40  # the file before is in place
    assert land(content, "orders-2.csv", shrink=True).rows == content.count("\n") - 1


def test_file_of_another_name_is_another_file(land):
    land(rows(range(40)))
    assert land(rows(range(10)), "sample.csv").rows == 10


def test_file_that_grows_takes_the_place_of_the_one_before(land, shop_db):
    land(rows(range(40)))
    land(rows(range(41)), "orders-2.csv")
    assert len(loaded(shop_db)) == 41


def test_rolling_export_keeps_the_days_that_it_no_longer_shows(land, shop_db):
    land(rows(range(40)))
    landed = land(rows(range(30, 50), amount="2.00"), "orders-2.csv", append=True)
    assert landed.rows == 50
    assert landed.last_day == FIRST + timedelta(days=49)
    assert "lines of days that the file does not show, kept from before: 30" in landed.said
    assert loaded(shop_db) == [(FIRST + timedelta(days=n), 1.5 if n < 30 else 2.0) for n in range(50)]


def test_delta_adds_its_days_and_orders_keep_apart(land, shop_db):
    header = "order,customer,date,amount"
    land(f"{header}\n1,a,2024-01-01,1\n2,,2024-01-02,1\n")
    land(f"{header}\n1,a,2024-01-03,1\n,,2024-01-04,1\n", "orders-2.csv", append=True)
    land(f"{header}\n,,2024-01-05,1\n,a,2024-01-06,1\n", "orders-3.csv", append=True)
    with shop_db.connect(readonly=True) as conn:
        found = db.rows(conn, "select order_id, placed_at from transactions.lines order by placed_at")
    assert len({row["order_id"] for row in found}) == len(found) == 6
    assert [row["placed_at"].date() for row in found] == [date(2024, 1, n) for n in range(1, 7)]


def test_same_delta_twice_adds_nothing(land, shop_db):
    land(rows(range(40)))
    for _ in range(2):
        land(rows(range(40, 42)), "orders-2.csv", append=True)
    assert loaded(shop_db) == [(FIRST + timedelta(days=n), 1.5) for n in range(42)]


def test_night_shows_what_was_read_before_it_goes_on(shop_db, tmp_path):
    shown: list[str] = []
    (tmp_path / "orders.csv").write_text(rows(range(40)))
    settings = Settings(shop={"name": "t", "source": "transactions"})
    files.land(shop_db, "transactions", str(tmp_path / "orders.csv"), silent, settings, shown.append)
    assert len(shown) == 1
    assert "customers    5" in shown[0]
    assert "revenue      60.00" in shown[0]
    assert f"{datetime(2024, 1, 1):%Y-%m-%d} to 2024-02-09" in shown[0]


def test_person_is_forgotten_by_the_address_that_is_hashed_here(shop_db, warehouse_db, tmp_path):
    """The id in the warehouse is the hash of the address; a person writes from the address."""
    from segmentation.operations import erasure
    from tests.small_shop import SmallShop

    small = SmallShop(shop_db, warehouse_db, tmp_path, source="transactions")
    small.settings = Settings(shop={"name": "t", "source": "transactions"}, file={"shrink": True})
    lines = [f"ann{n % 9}@Example.org,{FIRST + timedelta(days=n)},1.50" for n in range(60)]
    for left_out, name in (("nobody", "orders-1.csv"), ("ann1@", "orders-2.csv")):
        kept = [line for line in lines if not line.startswith(left_out)]
        (tmp_path / name).write_text("\n".join(["customer,date,amount", *kept]) + "\n")
        landed = files.land(shop_db, "transactions", str(tmp_path / name), silent, small.settings)
        if left_out == "nobody":
            night = small.night(date(2024, 3, 1))
            small.ingest(night, landed.version)
    assert erasure.erase(night, " ANN1@example.org")["core.orders"] == 7
    with pytest.raises(SourceError, match="still have this customer"):
        erasure.erase(night, "ann2@example.org")
