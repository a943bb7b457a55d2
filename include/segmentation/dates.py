"""Shop dates and instants. A day begins at 00:00 in the shop's time zone, whatever DST does."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from segmentation.errors import SettingsError

ONE_DAY = timedelta(days=1)


def midnight(day: date, tz: ZoneInfo) -> datetime:
    """The instant at which `day` begins in the shop."""
    return datetime.combine(day, time(), tzinfo=tz)


def as_of(param: str | None, logical_date: datetime | None, run_after: datetime, tz: ZoneInfo) -> date:
    """The as-of date of a run: the parameter, else the logical date, else when it was due, in shop time.

    Raises
    ------
    ValueError
        When the parameter is not a date.
    """
    if param:
        try:
            return date.fromisoformat(param)
        except ValueError:
            raise ValueError(f"as_of_date '{param}' is not a date (write it as 2011-12-01)") from None
    return (logical_date or run_after).astimezone(tz).date()


def today(tz: ZoneInfo) -> date:
    """The day that it is in the shop."""
    return datetime.now(tz).date()


def refuse_future(day: date, tz: ZoneInfo) -> None:
    """Refuse an as-of date that is still to come: nobody knows its facts, and it would stay the newest.

    Raises
    ------
    SettingsError
        When the day has not begun in the shop.
    """
    if day > (now := today(tz)):
        raise SettingsError(
            f"AS_OF={day} is in the future: it is {now} in the shop ({tz.key}), and the facts of a date are "
            "those before it begins"
        )
