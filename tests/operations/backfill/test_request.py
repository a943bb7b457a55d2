"""Requests for backfills, and dates that they leave alone; dates of a shop become the right instants."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from airflow.sdk import CronTriggerTimetable as Declared
from airflow.timetables.base import TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable
from pendulum import instance

from segmentation.dates import as_of
from segmentation.errors import SettingsError
from segmentation.ingestion import extraction, gate
from segmentation.operations.backfill import progress, request
from segmentation.operations.backfill.request import Request
from segmentation.runs import register
from segmentation.runs import window as window_
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.warehouse import db
from tests.runs.test_register import publish, start

NOW = datetime(2024, 6, 10, 12, tzinfo=UTC)
DAY = date(2024, 6, 3)
SETTINGS = Settings()

# A shop's time zone and a range of its dates: ordinary ones, and those on which its clocks change.
RANGES = [
    pytest.param("Europe/London", date(2011, 9, 1), date(2011, 11, 30), id="clocks go back"),
    pytest.param("Europe/London", date(2024, 3, 30), date(2024, 4, 1), id="clocks go forward"),
    pytest.param("America/Los_Angeles", date(2024, 3, 9), date(2024, 3, 12), id="west, there is no 02:00"),
    pytest.param("America/Los_Angeles", date(2024, 11, 2), date(2024, 11, 4), id="west, clocks go back"),
    pytest.param("Asia/Shanghai", date(2023, 12, 30), date(2024, 1, 2), id="east, year end"),
    pytest.param("Pacific/Auckland", date(2024, 4, 6), date(2024, 4, 8), id="far east, clocks go back"),
    pytest.param("Pacific/Auckland", date(2024, 9, 28), date(2024, 9, 30), id="far east, there is no 02:00"),
    pytest.param("UTC", date(2024, 2, 28), date(2024, 3, 1), id="leap day"),
]


@pytest.mark.parametrize(("zone", "first", "last"), RANGES)
def test_each_date_of_the_shop_has_one_run_and_no_other_date_has(zone, first, last):
    tz, asked = ZoneInfo(zone), Request(first, last)
    begin, end = (instance(instant) for instant in asked.bounds(tz))
    declared = Declared("0 2 * * *", timezone=zone)
    timetable = CronTriggerTimetable(declared.expression, timezone=zone)
    days, info = [], None
    while True:  # as Airflow makes the runs of a backfill
        info = timetable.next_dagrun_info(
            last_automated_data_interval=info and info.data_interval,
            restriction=TimeRestriction(begin, end, catchup=True),
        )
        if info is None:
            break
        days.append(as_of(None, info.logical_date, info.run_after, tz))
    assert days == asked.days


# The newest run of a date, and the values of REPROCESS with which the date is run again.
LEFT = [
    ("published", {"completed"}),
    ("no_data", {"completed"}),
    ("held", {"completed"}),
    ("rejected", {"failed", "completed"}),
    ("failed", {"failed", "completed"}),
    ("running", {"none", "failed", "completed"}),
    (None, {"none", "failed", "completed"}),
]


@pytest.mark.parametrize(("status", "run_by"), LEFT)
def test_what_exists_is_run_again_only_when_that_is_asked_for(status, run_by, warehouse_db):
    if status == "published":
        publish(warehouse_db, DAY)
    elif status:
        run_id = start(warehouse_db, DAY)
        if status != "running":
            register.finish(warehouse_db, run_id, status, "why")
    for reprocess in ("none", "failed", "completed"):
        asked = Request(DAY, DAY, None, reprocess)
        left = request.left_alone(warehouse_db, DAY, "backfill", asked)
        assert (left is None) == (reprocess in run_by), (reprocess, left)
        assert left is None or f"is {status} (REPROCESS={reprocess})" in left
        wanted = request.ask(warehouse_db, SETTINGS, str(DAY), str(DAY), reprocess, NOW)
        assert (wanted is not None) == (reprocess in run_by)


def test_a_range_is_narrowed_to_what_there_is_to_do_and_what_it_reads_is_new(warehouse_db):
    for number in (0, 1, 3, 5):
        publish(warehouse_db, DAY + timedelta(days=number))
    asked = request.ask(warehouse_db, SETTINGS, "2024-06-03", "2024-06-08", "none", NOW)
    assert (asked.first, asked.last) == (DAY + timedelta(days=2), DAY + timedelta(days=4))
    assert Request.of(asked.parameter) == asked
    with warehouse_db.connect() as conn:
        assert asked.since <= db.scalar(conn, "select clock_timestamp()")


REFUSED = [
    (("2024-06-31", "2024-07-01", "none"), "FROM=2024-06-31: not a date"),
    (("2024-06-03", "", "none"), "TO=: not a date"),
    (("2024-06-03", "2024-06-01", "none"), "FROM=2024-06-03 is after TO=2024-06-01"),
    (("2024-06-03", "2024-06-11", "none"), "TO=2024-06-11: the night of that date is still to come"),
    (("2024-06-03", "2024-06-04", "twice"), "REPROCESS=twice: expected none, failed, completed"),
]


@pytest.mark.parametrize(("told", "words"), REFUSED)
def test_what_cannot_be_backfilled_is_refused_in_words(told, words, warehouse_db):
    with pytest.raises(SettingsError) as refused:
        request.ask(warehouse_db, SETTINGS, *told, NOW)
    assert words in str(refused.value)


def test_the_summary_names_what_is_not_published_and_says_what_to_do(warehouse_db):
    publish(warehouse_db, DAY)
    register.finish(
        warehouse_db, start(warehouse_db, DAY + timedelta(days=1)), "held", "held: 60 % would change"
    )
    register.finish(warehouse_db, start(warehouse_db, DAY + timedelta(days=2)), "no_data", "no data")
    days = [DAY + timedelta(days=number) for number in range(4)]
    lines, code = progress.summary(warehouse_db, days)
    assert lines[0] == "BACKFILL  2024-06-03 to 2024-06-06: 1 held, 1 no_data, 1 not started, 1 published"
    assert "held: 2024-06-04" in lines
    assert "  2024-06-04: held: 60 % would change" in lines
    assert any("make release AS_OF=" in line for line in lines)
    assert code == 1
    assert progress.summary(warehouse_db, [days[0], days[2]]) == (
        ["BACKFILL  2024-06-03 to 2024-06-05: 1 no_data, 1 published"],
        0,
    )


def test_a_day_that_stopped_a_date_of_a_backfill_is_judged_by_the_next_one_too(warehouse_db):
    """All days are clean already, so the watermark does not tell."""
    days = [DAY + timedelta(days=number) for number in range(4)]
    verdicts = ("published", "check_sources: ten times the orders", "clean: too many refused", "published")
    with warehouse_db.connect() as conn:
        db.execute(conn, "insert into staging.watermarks values ('orders', '2024-07-01', null)")
    judged = []
    for day, verdict in zip(days, verdicts, strict=True):
        with warehouse_db.connect(readonly=True) as conn:
            judged.append(gate._not_cleaned_since(conn, ["orders"], day))
        if verdict == "published":
            publish(warehouse_db, day)
        else:
            register.finish(warehouse_db, start(warehouse_db, day), "rejected", verdict)
    one = timedelta(days=1)
    assert judged == [days[0] - one, days[1] - one, days[1] - one, days[1] - one]
    with warehouse_db.connect(readonly=True) as conn:
        assert gate._not_cleaned_since(conn, ["orders"], days[3] + one) == days[3]


def test_a_run_takes_over_what_another_has_read_and_cleans_it_when_nobody_has(warehouse_db, tmp_path):
    settings = Settings(shop={"source": "online_retail"})
    night = Night("second", DAY, settings, warehouse_db, warehouse_db, tmp_path)
    span = window_.Span(DAY - timedelta(days=1), DAY + timedelta(days=3), NOW - timedelta(days=1))
    with warehouse_db.connect() as conn:
        for table in ("customers", "orders", "order_items", "products"):
            db.execute(
                conn,
                "insert into staging.loads (run_id, table_name, day_to, rows_loaded, loaded_at) "
                "values ('first', %(table)s, %(last)s, 7, %(at)s)",
                {"table": table, "last": span.last, "at": NOW},
            )
    window = {"first": "2024-05-23", "end": "2024-06-03", "rows": {}}
    assert extraction.take_over(night, span) == {**window, "load": [None, "2024-06-06"]}
    read = "select sum(rows_loaded) from staging.loads where run_id = 'second'"
    with warehouse_db.connect() as conn:
        assert db.scalar(conn, read) == 28, "the gate asks what was read for the run"
        db.execute(conn, "update staging.loads set rolled_up_at = now()")
    third = replace(night, run_id="third")
    assert extraction.take_over(third, span) == {**window, "load": None}
    with warehouse_db.connect() as conn:
        assert db.scalar(conn, read.replace("second", "third")) == 28
    assert extraction.take_over(third, replace(span, last=span.last + timedelta(days=1))) is None
    assert extraction.take_over(third, replace(span, since=NOW + timedelta(days=1))) is None
