"""Shops east and west of Greenwich: both changes of the clocks, the leap day, the turn of the year.

A customer for each instant at an edge of a day, so that one on the wrong side of a midnight is seen by name.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from segmentation.dates import ONE_DAY, as_of, midnight
from segmentation.features import dictionary, table
from segmentation.settings import Settings
from segmentation.warehouse import db
from tests.small_shop import SmallShop, contents, make_source, select, silent

# The days of 2024 on which clocks go forward and back; China has none, and is tried on London's days.
CHANGES = {
    "Europe/London": (date(2024, 3, 31), date(2024, 10, 27)),
    "Asia/Shanghai": (date(2024, 3, 31), date(2024, 10, 27)),
    "Pacific/Auckland": (date(2024, 9, 29), date(2024, 4, 7)),
    "America/Los_Angeles": (date(2024, 3, 10), date(2024, 11, 3)),
}
LEAP_DAY, NEW_YEAR = date(2024, 2, 29), date(2024, 1, 1)
TICK = timedelta(microseconds=1)
FACTS = ["core.orders", "core.order_items", "features.customer_day", "quarantine.orders"]


class Shop(SmallShop):
    """A shop with orders at the edges of the days that matter in its time zone."""

    def __init__(self, zone: str, shop, warehouse, store) -> None:
        super().__init__(shop, warehouse, store)
        self.settings = Settings(
            shop={"name": "tiny", "source": "tiny", "timezone": zone}, extract={"lookback_days": 1}
        )
        self.tz = ZoneInfo(zone)
        self.days = sorted({*CHANGES[zone], LEAP_DAY, NEW_YEAR - ONE_DAY, NEW_YEAR})
        self.instants: dict[str, tuple[datetime, date]] = {}
        for day in self.days:
            start, end = (
                midnight(day, self.tz).astimezone(UTC),
                midnight(day + ONE_DAY, self.tz).astimezone(UTC),
            )
            # every hour of the day, be there 23, 24 or 25, and the last moment of it
            hours = (end - start) // timedelta(hours=1)
            for number, at in enumerate([*(start + timedelta(hours=h) for h in range(hours)), end - TICK]):
                self.instants[f"{day} {number:02}"] = (at, day)

    def fill(self) -> None:
        self.create()
        for customer, (at, _) in self.instants.items():
            line = {"order_id": customer, "line_no": 1, "product_id": "p", "quantity": 1, "unit_price": 2}
            order = {"order_id": customer, "customer_id": customer, "ordered_at": at}
            self.add(orders=[order], order_items=[{**line, "ordered_at": at}])


@pytest.fixture(scope="module", params=CHANGES)
def shop(request, new_database, migrated, tmp_path_factory) -> Iterator[Shop]:
    """All facts loaded at once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("calendar")
        make_source(patch, folder, {name: select(name) for name in ("orders", "order_items")})
        made = Shop(request.param, new_database(), new_database(migrated), folder)
        made.fill()
        made.ingest(made.night(date(2024, 12, 1)))
        yield made


@pytest.fixture
def own_shop(shop, new_database, drop_database) -> Iterator[Shop]:
    """The same, for one test that changes it."""
    copies = [new_database(one.params["dbname"]) for one in (shop.shop, shop.warehouse)]
    yield Shop(shop.settings.shop.timezone, *copies, shop.store)
    for database in copies:
        drop_database(database)


def test_every_instant_stands_on_its_day_of_the_shop_and_its_hour(shop):
    with shop.warehouse.connect(readonly=True) as conn:
        found = {
            row["customer_id"]: (row["day"], row["local_hour"])
            for row in db.rows(conn, "select customer_id, day, local_hour from core.orders")
        }
    assert found == {
        customer: (day, at.astimezone(shop.tz).hour) for customer, (at, day) in shop.instants.items()
    }
    hours = {day: sum(d == day for _, d in shop.instants.values()) - 1 for day in shop.days}
    forward, back = CHANGES[shop.settings.shop.timezone]
    has_changes = shop.settings.shop.timezone != "Asia/Shanghai"
    assert (hours[forward], hours[back], hours[LEAP_DAY]) == ((23, 25, 24) if has_changes else (24, 24, 24))


def test_a_date_sees_what_was_before_its_midnight_and_counts_whole_days(shop):
    for day in (*CHANGES[shop.settings.shop.timezone], LEAP_DAY, NEW_YEAR):
        for until in (day, day + ONE_DAY):
            night = shop.night(until)
            table.build(night, silent)
            with shop.warehouse.connect(readonly=True) as conn:
                frame = table.read(conn, until, dictionary.of(night))
            seen = {customer: on for customer, (at, on) in shop.instants.items() if at < night.end}
            assert set(frame.index) == set(seen)
            assert {c: int(d) for c, d in frame["recency_days"].items()} == {
                customer: (until - on).days for customer, on in seen.items()
            }


def test_nights_one_by_one_leave_the_same_rows_as_all_at_once(shop, new_database, migrated):
    """Also where a night's window is 23 or 25 hours longer than that of the night before."""
    at_once = contents(shop.warehouse, FACTS, without="run_id")
    bulk, shop.warehouse = shop.warehouse, new_database(migrated)
    try:
        for day in shop.days:
            for until in (day, day + ONE_DAY, day + 2 * ONE_DAY):
                shop.ingest(shop.night(until))
        assert contents(shop.warehouse, FACTS, without="run_id") == at_once
    finally:
        shop.warehouse = bulk


@pytest.mark.parametrize("zone", CHANGES)
def test_the_schedule_has_one_night_for_each_date_of_the_shop(zone):
    """02:00 does not exist on the day that Los Angeles goes forward, and is there once when it goes back."""
    from airflow.timetables.base import TimeRestriction
    from airflow.timetables.trigger import CronTriggerTimetable

    timetable = CronTriggerTimetable("0 2 * * *", timezone=zone)
    tz, last, dates = ZoneInfo(zone), None, []
    import pendulum

    start = pendulum.instance(datetime(2023, 12, 30, tzinfo=UTC))
    for _ in range(400):
        last = timetable.next_dagrun_info(
            last_automated_data_interval=last and last.data_interval,
            restriction=TimeRestriction(start, None, catchup=True),
        )
        dates.append(as_of(None, last.logical_date, last.run_after, tz))
    assert dates == [dates[0] + n * ONE_DAY for n in range(400)]
    assert {LEAP_DAY, NEW_YEAR, *CHANGES[zone]} <= set(dates)


def test_a_year_is_365_days_also_over_a_leap_day(own_shop):
    """1 March 2023 is 366 days before 1 March 2024: its order has left the year, that of the 2nd not."""
    shop = own_shop
    noon = {
        name: datetime.combine(day, time(12), shop.tz)
        for name, day in (("a", date(2023, 3, 1)), ("b", date(2023, 3, 2)), ("c", date(2023, 12, 31)))
    }
    again = {"c2": datetime.combine(NEW_YEAR, time(0), shop.tz)}
    for order_id, at in {**noon, **again}.items():
        line = {"order_id": order_id, "line_no": 1, "product_id": "p", "quantity": 1, "unit_price": 2}
        order = {"order_id": order_id, "customer_id": order_id[0], "ordered_at": at}
        shop.add(orders=[order], order_items=[{**line, "ordered_at": at}])
    with shop.warehouse.connect() as conn:
        db.execute(conn, "truncate staging.watermarks")
    shop.ingest(shop.night(date(2024, 12, 1)))
    night = shop.night(date(2024, 3, 1))
    table.build(night, silent)
    with shop.warehouse.connect(readonly=True) as conn:
        frame = table.read(conn, night.as_of_date, dictionary.of(night)).loc[["a", "b", "c"]]
    assert frame["orders_365d"].tolist() == [0, 1, 2]
    assert frame["tenure_days"].tolist() == [366, 365, 61]
    # December and January of the two months since: the turn of the year is no gap
    assert frame.loc["c", "active_month_share"] == pytest.approx(2 / (1 + 60 / 30.4375))
    assert frame.loc["c", "orders_per_active_month"] == 1
