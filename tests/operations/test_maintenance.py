"""The weekly maintenance: it counts from a real date, removes no history unasked, no reader waits."""

import threading
import time
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import psycopg2
import pytest

from segmentation.dates import today
from segmentation.errors import MaintenanceError, WarehouseError
from segmentation.operations import maintenance
from segmentation.publishing import rules_in_sql
from segmentation.runs import register
from segmentation.settings import Settings
from segmentation.warehouse import db, partitions
from segmentation.warehouse.db import Database
from tests.small_shop import progress_list, silent

SETTINGS = Settings(retention={"assignments_days": 20, "features_days": 10, "month_ends": 0})
TODAY = today(SETTINGS.tz)
READ = "select count(*) from segments.current_customer_segments"
READ_ALL = "select count(*) from segments.customer_segments"


def publish(warehouse: Database, *days: date) -> None:
    """Dates with one customer, in the register and with their partitions."""
    for day in days:
        run_id = register.start(warehouse, SETTINGS, day, f"run of {day}")
        with warehouse.connect() as conn:
            for schema, parent, columns in (
                ("segments", "customer_segments", "segment_id, confidence, is_outlier, run_id"),
                ("features", "customer_features", ""),
            ):
                table = partitions.stage(conn, schema, parent, day)
                more = f", {columns}" if columns else ""
                values = ", 1, 1, false, 'r'" if columns else ""
                db.execute(
                    conn,
                    f"insert into {table} (as_of_date, customer_id{more}) values (%(d)s, 'a'{values})",
                    {"d": day},
                )
                partitions.replace(conn, schema, parent, day)
            db.execute(
                conn,
                "insert into segments.segment_versions (as_of_date, segment_id, run_id, name, description, "
                "value_tier, lifecycle, customers, share, revenue_365d) "
                "values (%(d)s, 1, 'r', 'All', 'all', 'mid', 'active', 1, 1, 1)",
                {"d": day},
            )
            db.execute(
                conn,
                "update segments.runs set status = 'published', published_at = now() where run_id = %(r)s",
                {"r": run_id},
            )
            rules_in_sql.replace(conn, register.newest(conn))


def kept(warehouse: Database, schema: str = "segments", parent: str = "customer_segments") -> list[date]:
    with warehouse.connect(readonly=True) as conn:
        rows = db.rows(conn, f"select distinct as_of_date from {schema}.{parent} order by 1")
    return [row["as_of_date"] for row in rows]


def clean(warehouse: Database, folder: Path, **more: bool) -> maintenance.Freed:
    return maintenance.run(warehouse, SETTINGS, folder, silent, **more)


def days_ago(*numbers: int) -> list[date]:
    return [TODAY - timedelta(days=number) for number in numbers]


def test_old_dates_go_and_the_rest_stays(warehouse_db, tmp_path):
    publish(warehouse_db, *days_ago(40, 15, 2, 1))
    freed = clean(warehouse_db, tmp_path)
    assert freed.assignments == tuple(days_ago(40))
    assert kept(warehouse_db) == days_ago(15, 2, 1)
    assert kept(warehouse_db, "features", "customer_features") == days_ago(2, 1)


def last_of_weeks(days: list[date]) -> list[date]:
    return sorted({day.isocalendar()[:2]: day for day in sorted(days)}.values())


def test_of_older_dates_the_last_of_each_week_keeps_its_rows_and_the_others_their_bytes(
    warehouse_db, tmp_path
):
    settings = Settings(retention={"daily_days": 5, "features_days": 30, "month_ends": 0})
    days = days_ago(*range(27, 0, -1))
    publish(warehouse_db, *days)
    maintenance.run(warehouse_db, settings, tmp_path, silent, remove_more=True)
    whole = sorted({*last_of_weeks(days), *days[-6:]})
    assert kept(warehouse_db) == kept(warehouse_db, "features", "customer_features") == whole
    assert kept(warehouse_db, parent="packed_segments") == days
    shorter = Settings(retention={"daily_days": 5, "assignments_days": 10, "month_ends": 0})
    maintenance.run(warehouse_db, shorter, tmp_path, silent, remove_more=True)
    assert kept(warehouse_db, parent="packed_segments") == days[-11:]


def test_what_applications_say_of_customers_goes_with_the_assignments(warehouse_db, tmp_path):
    publish(warehouse_db, *days_ago(40, 15, 1))
    assert forecasts_left(warehouse_db, tmp_path, SETTINGS, days_ago(40, 15)) == days_ago(15)


def test_forecasts_of_customers_go_when_they_have_been_judged(warehouse_db, tmp_path):
    publish(warehouse_db, *days_ago(120, 90, 1))
    settings = Settings(model={"horizon_days": 90})
    assert forecasts_left(warehouse_db, tmp_path, settings, days_ago(120, 90)) == days_ago(90)
    assert kept(warehouse_db) == days_ago(120, 90, 1)


def forecasts_left(warehouse: Database, folder: Path, settings: Settings, days: list[date]) -> list[date]:
    """The dates of those given that have forecasts after the maintenance."""
    with warehouse.connect() as conn:
        for day in days:
            partitions.ensure(conn, "segments", "customer_forecasts", day)
    maintenance.run(warehouse, settings, folder, silent)
    with warehouse.connect(readonly=True) as conn:
        return partitions.dates(conn, "segments", "customer_forecasts")


def test_a_date_in_the_future_is_not_counted_from(warehouse_db, tmp_path):
    """One wrong digit: counted from 2099 every real date is past its time."""
    publish(warehouse_db, *days_ago(3, 2, 1), date(2099, 1, 1))
    freed = clean(warehouse_db, tmp_path)
    assert freed.assignments == freed.features == ()
    assert kept(warehouse_db) == [*days_ago(3, 2, 1), date(2099, 1, 1)]


def test_more_than_a_share_goes_only_when_somebody_says_so(warehouse_db, tmp_path):
    there = days_ago(*range(45, 30, -1), 1)
    publish(warehouse_db, *there)
    with pytest.raises(MaintenanceError, match=r"assignments of 14 of 16 dates .*max_removed_share .*50%"):
        clean(warehouse_db, tmp_path)
    assert kept(warehouse_db) == kept(warehouse_db, "features", "customer_features") == there
    clean(warehouse_db, tmp_path, remove_more=True)
    assert kept(warehouse_db) == days_ago(31, 1)  # what the newest was made from stays


class Reading(threading.Thread):
    """A reader that asks again and again, and how long it waited at most."""

    def __init__(self, warehouse: Database) -> None:
        super().__init__(daemon=True)
        self.warehouse, self.over, self.longest, self.errors = warehouse, threading.Event(), 0.0, []

    def run(self) -> None:
        try:
            with closing(psycopg2.connect(**self.warehouse.params)) as conn:
                while not self.over.wait(0.01):
                    began = time.monotonic()
                    db.scalar(conn, READ)
                    conn.rollback()
                    self.longest = max(self.longest, time.monotonic() - began)
        except psycopg2.Error as error:
            self.errors.append(error)

    def __enter__(self) -> "Reading":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join(20)


@pytest.mark.parametrize("is_half_detached", [False, True])
def test_an_idle_reader_stops_the_maintenance_and_no_other_reader(warehouse_db, tmp_path, is_half_detached):
    """It ends with the name of the session in its way; before, every reader waited as long as that lived."""
    publish(warehouse_db, *days_ago(40, 15, 1))
    impatient = Database(
        "warehouse", warehouse_db.params, warehouse_db.limits.model_copy(update={"lock_seconds": 2})
    )
    with closing(psycopg2.connect(**warehouse_db.params, application_name="a BI tool")) as idle:
        db.scalar(idle, READ_ALL)
        if is_half_detached:
            with closing(psycopg2.connect(**warehouse_db.params)) as killed:
                killed.autocommit = True
                db.execute(killed, "set lock_timeout = '500ms'")
                with pytest.raises(psycopg2.errors.LockNotAvailable):
                    db.execute(
                        killed,
                        "alter table segments.customer_segments detach partition "
                        f"segments.{partitions.name('customer_segments', days_ago(40)[0])} concurrently",
                    )
        with Reading(warehouse_db) as other, pytest.raises(WarehouseError, match=r"a BI tool.*idle in trans"):
            clean(impatient, tmp_path)
        assert (other.errors, other.longest < 0.5) == ([], True)
        publish(warehouse_db, TODAY)  # nor is a publication held up
    clean(warehouse_db, tmp_path)
    assert kept(warehouse_db) == [*days_ago(15, 1), TODAY]


def test_the_dates_that_are_dropped_are_said(warehouse_db, tmp_path):
    publish(warehouse_db, *days_ago(40, 1, 0))
    said, progress = progress_list()
    maintenance.run(warehouse_db, SETTINGS, tmp_path, progress)
    assert any(f"assignments dropped of {days_ago(40)[0]}" in line for line in said)


def test_who_looked_at_customers_is_forgotten_after_its_days(warehouse_db, tmp_path):
    publish(warehouse_db, *days_ago(1))
    days = SETTINGS.retention.access_days
    with warehouse_db.connect() as conn:
        db.execute(
            conn,
            "insert into operations.access_log (at, who, what, customers) "
            "select now() - make_interval(days => n), 'ana', 'list', n from unnest(array[%(d)s + 1, 1]) as n",
            {"d": days},
        )
    clean(warehouse_db, tmp_path)
    with warehouse_db.connect(readonly=True) as conn:
        assert db.rows(conn, "select customers from operations.access_log") == [{"customers": 1}]
