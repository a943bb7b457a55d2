"""Days of the shop: they begin at its midnight, also when the clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from segmentation import dates

LONDON = ZoneInfo("Europe/London")
NEXT = timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        # an ordinary day in winter and in summer
        ("Europe/London", date(2024, 1, 15), "2024-01-15T00:00:00+00:00", 24),
        ("Europe/London", date(2024, 6, 3), "2024-06-02T23:00:00+00:00", 24),
        # the clocks go forward at 1:00, and back at 2:00
        ("Europe/London", date(2024, 3, 31), "2024-03-31T00:00:00+00:00", 23),
        ("Europe/London", date(2024, 10, 27), "2024-10-26T23:00:00+00:00", 25),
        # east and west of Greenwich, and as far as it goes
        ("Asia/Shanghai", date(2024, 6, 3), "2024-06-02T16:00:00+00:00", 24),
        ("America/New_York", date(2024, 11, 3), "2024-11-03T04:00:00+00:00", 25),
        ("Pacific/Kiritimati", date(2024, 6, 3), "2024-06-02T10:00:00+00:00", 24),
        # Havana puts its clocks forward at midnight: the day begins at 1:00 by the clock
        ("America/Havana", date(2024, 3, 10), "2024-03-10T05:00:00+00:00", 23),
        # and back at 1:00, so that 0:30 comes twice, both times on this day
        ("America/Havana", date(2024, 11, 3), "2024-11-03T04:00:00+00:00", 25),
    ],
)
def test_a_day_begins_at_the_shops_midnight(zone, day, begins, hours):
    tz = ZoneInfo(zone)
    start, end = dates.midnight(day, tz), dates.midnight(day + NEXT, tz)
    assert start.astimezone(UTC) == datetime.fromisoformat(begins)
    assert (end.astimezone(UTC) - start.astimezone(UTC)) == timedelta(hours=hours)


@pytest.mark.parametrize("zone", ["Europe/London", "America/Havana", "Asia/Shanghai", "America/Sao_Paulo"])
def test_postgres_agrees_on_which_day_an_instant_is(shop, zone):
    """The SQL puts rows on days by `at time zone`; the windows are made of midnights."""
    tz = ZoneInfo(zone)
    query = "select (%(at)s::timestamptz at time zone %(zone)s)::date"
    for day in (
        date(2018, 2, 18),
        date(2018, 11, 4),
        date(2024, 3, 10),
        date(2024, 3, 31),
        date(2024, 11, 3),
    ):
        start = dates.midnight(day, tz).astimezone(UTC)
        with shop.cursor() as cursor:
            for moment, expected in ((start, day), (start - timedelta(microseconds=1), day - NEXT)):
                cursor.execute(query, {"at": moment, "zone": zone})
                assert cursor.fetchone() == (expected,), (day, moment)


RUN_AFTER = datetime(2024, 6, 3, 22, 30, tzinfo=UTC)  # 23:30 in London, the next morning in Shanghai
LOGICAL = datetime(2024, 5, 31, 23, 30, tzinfo=UTC)  # 0:30 on 1 June in London


@pytest.mark.parametrize(
    ("param", "logical", "zone", "expected"),
    [
        # the parameter wins
        ("2011-12-01", LOGICAL, "Europe/London", date(2011, 12, 1)),
        # else the logical date, as a date of the shop
        (None, LOGICAL, "Europe/London", date(2024, 6, 1)),
        ("", LOGICAL, "America/New_York", date(2024, 5, 31)),
        # a manual run has no logical date: it is when the run was due
        (None, None, "Europe/London", date(2024, 6, 3)),
        (None, None, "Asia/Shanghai", date(2024, 6, 4)),
        # 2:00 in London in summer, as the schedule has it
        (None, datetime(2024, 6, 3, 1, 0, tzinfo=UTC), "Europe/London", date(2024, 6, 3)),
    ],
)
def test_the_as_of_date_is_resolved_in_shop_time(param, logical, zone, expected):
    assert dates.as_of(param, logical, RUN_AFTER, ZoneInfo(zone)) == expected


@pytest.mark.parametrize("param", ["yesterday", "2011-13-01", "01.12.2011", "2011-02-29"])
def test_a_parameter_that_is_no_date_is_named(param):
    with pytest.raises(ValueError, match=rf"as_of_date '{param}' is not a date \(write it as 2011-12-01\)"):
        dates.as_of(param, None, RUN_AFTER, LONDON)
