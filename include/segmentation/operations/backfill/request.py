"""The dates that a backfill is to run, and those of them that it leaves alone."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from segmentation.dates import ONE_DAY, midnight
from segmentation.errors import SettingsError
from segmentation.runs import register, stale
from segmentation.runs.register import Run
from segmentation.runs.window import Span
from segmentation.warehouse import db

if TYPE_CHECKING:
    from segmentation.settings import Settings

# Dates that a backfill leaves as they are, by REPROCESS: those whose newest run ended so.
LEFT = {
    "none": ("published", "held", "no_data", "rejected", "failed", "withdrawn"),
    "failed": ("published", "held", "no_data"),
    "completed": (),
    "stale": (),
}


@dataclass(frozen=True)
class Request:
    """The request for a backfill. It travels as the parameter `backfill` of each of its runs."""

    first: date
    last: date
    since: datetime | None = None
    reprocess: str = "none"

    @classmethod
    def of(cls, parameter: dict[str, Any]) -> "Request":
        """Request that the parameter has.

        Raises
        ------
        SettingsError
            When it is not one.
        """
        try:
            request = cls(
                date.fromisoformat(parameter["first"]),
                date.fromisoformat(parameter["last"]),
                datetime.fromisoformat(parameter["since"]) if parameter.get("since") else None,
                parameter.get("reprocess", "completed"),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"parameter backfill: not usable ({type(error).__name__}: {error})") from None
        if request.reprocess not in LEFT:
            raise SettingsError(f"REPROCESS={request.reprocess}: expected {', '.join(LEFT)}")
        if request.first > request.last:
            raise SettingsError(f"FROM={request.first} is after TO={request.last}")
        return request

    @property
    def parameter(self) -> dict[str, Any]:
        """The parameter, as JSON."""
        return {
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "since": self.since and self.since.isoformat(),
            "reprocess": self.reprocess,
        }

    @property
    def span(self) -> Span:
        """The dates, and which loads count."""
        return Span(self.first, self.last, self.since)

    @property
    def days(self) -> list[date]:
        """Every date, in order."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def bounds(self, tz: ZoneInfo) -> tuple[datetime, datetime]:
        """First and last instant: a run is due once a day of the shop, whatever its offset from UTC."""
        return midnight(self.first, tz), midnight(self.last + ONE_DAY, tz) - timedelta(seconds=1)


def left_alone(warehouse: db.Database, day: date, dag_run_id: str, request: Request) -> str | None:
    """Reason that a backfill leaves a date as it is; None when it is to be run."""
    with warehouse.connect(readonly=True) as conn:
        if request.reprocess == "stale":
            reason = db.scalar(
                conn, "select why from segments.stale_dates where as_of_date = %(d)s", {"d": day}
            )
            return None if reason else "it is not stale"
        newest = _newest_runs(conn, [day]).get(day)
    if newest is None or newest.status not in LEFT[request.reprocess]:
        return None
    return f"its newest run {newest.run_id} is {newest.status} (REPROCESS={request.reprocess})"


def _newest_runs(conn: db.Connection, days: list[date]) -> dict[date, Run]:
    if db.scalar(conn, "select to_regclass('segments.runs')") is None:
        return {}
    return register.newest_of(conn, days)


def ask(
    warehouse: db.Database, loaded: "Settings", first: str, last: str, reprocess: str, now: datetime
) -> Request | None:
    """Narrow the request to the first and the last date with something to do; None: there is none.

    Raises
    ------
    SettingsError
        When a date is none, or is still to come.
    """
    with warehouse.connect(readonly=True) as conn:
        if reprocess == "stale":
            is_made = db.scalar(conn, "select to_regclass('segments.stale_dates')")
            days = [one.as_of_date for one in stale.dates(conn)] if is_made else []
            # running one again makes the dates after it stale
            return Request(days[0], register.newest(conn) or days[-1], None, reprocess) if days else None
        request = replace(
            Request.of({"first": _date("FROM", first), "last": _date("TO", last), "reprocess": reprocess}),
            since=db.scalar(conn, "select clock_timestamp()"),
        )
        newest = _newest_runs(conn, request.days)
    if (today := _newest_due(loaded.tz, now)) < request.last:
        raise SettingsError(
            f"TO={request.last}: the night of that date is still to come; the newest is {today}"
        )
    left = {day for day, run in newest.items() if run.status in LEFT[reprocess]}
    to_run = [day for day in request.days if day not in left]
    return replace(request, first=to_run[0], last=to_run[-1]) if to_run else None


def _date(name: str, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise SettingsError(f"{name}={text}: not a date (write it as 2011-12-01)") from None


def _newest_due(tz: ZoneInfo, now: datetime) -> date:
    """The newest date whose run is due: it is at 02:00."""
    return (now.astimezone(tz) - timedelta(hours=2, minutes=1)).date()
