"""Dates of the demo shop: its history, its clock, its sales."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from segmentation.sources.demo.chance import Array

HISTORY_DAYS = 730
SIGN_UPS_BEFORE_HISTORY_DAYS = 240  # accounts the shop brought along when it moved to this platform
CALENDAR_START = date(2000, 1, 1)  # customer 0 signs up here; no shop reaches back that far
DAY_SECONDS = 86_400
NEVER = np.iinfo(np.int64).max


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _date(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=int(number))


class _Clock:
    """Turns local days and wall clocks into instants; asks the time zone once an hour of the calendar."""

    def __init__(self, timezone: str, first: int, last: int) -> None:
        self.zone = ZoneInfo(timezone)
        self.first = first
        hours = [time(hour) for hour in range(24)]
        self.offsets = np.array(
            [
                [self._offset(datetime.combine(_date(n), hour)) for hour in hours]
                for n in range(first, last + 1)
            ]
        )

    def _offset(self, wall: datetime) -> int:
        offset = wall.replace(tzinfo=self.zone).utcoffset()
        return int(offset.total_seconds()) if offset else 0

    def offset(self, day: Array, second: Array) -> Array:
        """Return seconds east of UTC at that wall clock."""
        return self.offsets[day - self.first, second // 3600]

    def instant(self, day: Array, second: Array) -> Array:
        """Return the instants of wall clocks; one that a DST change skips is read with the offset before."""
        return day * DAY_SECONDS + second - self.offset(day, second)

    def midnight_after(self, day: int) -> int:
        wall = datetime.combine(_date(day + 1), time(), tzinfo=self.zone)
        return int(wall.astimezone(UTC).timestamp())


def _is_sale(day: Array) -> Array:
    """Return which days lie in the sales of January and July or the week of Black Friday."""
    stamps = day.astype("datetime64[D]")
    month = stamps.astype("datetime64[M]").astype(np.int64) % 12 + 1
    day_of_month = (stamps - stamps.astype("datetime64[M]")).astype(np.int64) + 1
    january = (month == 1) & (day_of_month <= 20)
    july = (month == 7) & (day_of_month <= 14)
    black_week = (month == 11) & (day_of_month >= 22) & (day_of_month <= 30)
    return january | july | black_week


def _month(day: Array) -> Array:
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
