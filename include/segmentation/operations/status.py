"""Age of the newest published date: `python -m segmentation status`, or `make status`.

Exit code 0: it is as new as it should be. 1: it is old, or in the future, or nothing was ever published. 2: the
warehouse cannot be asked. A night that never started, of which no run and so no alert tells, is found here.
`--new-is-fine` takes a warehouse that has never published for well: a deployment that is being set up.
"""

import sys
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import psycopg2

from segmentation.errors import NoAnswer, WarehouseError
from segmentation.runs import register, stale
from segmentation.settings import Settings
from segmentation.warehouse import db
from segmentation.warehouse.db import Database

FRESH, OLD, NOT_USABLE = 0, 1, 2
RUNS, INCIDENTS = 5, 10
ENDED = {"timeout": "timed out", "killed": "killed", "skipped": "skipped"}
"""Of a failed run that did not end itself: by what it was ended."""


@dataclass(frozen=True)
class Status:
    """The status of a shop's segments at a moment."""

    shop: str
    today: date
    newest: date | None
    expected: date
    days_allowed: int
    runs: list[register.Run] = field(default_factory=list)
    incidents: list[dict[str, Any]] = field(default_factory=list)
    stale: list[date] = field(default_factory=list)
    is_new: bool = False

    @property
    def days_late(self) -> int:
        """Days that the newest published date is behind the one that should be there."""
        return max((self.expected - self.newest).days, 0) if self.newest else 0

    @property
    def is_to_come(self) -> bool:
        """True where readers have a date that has not begun: a mistyped one, which hides every real one."""
        return self.newest is not None and self.newest > self.today

    @property
    def is_fresh(self) -> bool:
        """True where readers have the date they should have, and none that is still to come."""
        return self.newest is not None and not self.is_to_come and self.days_late <= self.days_allowed


def read(warehouse: Database, loaded: Settings, now: datetime) -> Status:
    """The status at the instant `now` (with a time zone).

    A date is expected from the deadline of its day on; until then the day before is.
    """
    local = now.astimezone(loaded.tz)
    is_due = local.time() >= loaded.alerts.deadline
    expected = local.date() if is_due else local.date() - timedelta(days=1)
    with suppress(psycopg2.Error, WarehouseError):  # of a replica, or by a role that may only read
        register.end_dead(warehouse, loaded)
    facts: dict[str, Any] = {"newest": None, "runs": [], "incidents": [], "is_new": True}
    with warehouse.connect(readonly=True) as conn:
        if db.scalar(conn, "select to_regclass('segments.runs')"):
            facts["newest"] = register.newest(conn)
            facts["runs"] = register.recent(conn, RUNS)
            ever = "select exists (select from segments.runs where status in ('published', 'withdrawn'))"
            facts["is_new"] = not db.scalar(conn, ever)
        if db.scalar(conn, "select to_regclass('segments.stale_dates')"):
            facts["stale"] = [one.as_of_date for one in stale.dates(conn)]
        if db.scalar(conn, "select to_regclass('quality.alerts')"):
            facts["incidents"] = db.rows(conn, db.statement("alerts/open.sql"), {"as_of_date": None})
    return Status(
        loaded.shop.name, local.date(), expected=expected, days_allowed=loaded.alerts.max_days_late, **facts
    )


def text(status: Status, loaded: Settings) -> str:
    """The status for a terminal."""
    return "\n".join(
        [_headline(status, loaded), "", *_runs(status, loaded), *_stale(status), *_incidents(status, loaded)]
    )


def _headline(status: Status, loaded: Settings) -> str:
    if status.newest is None:
        why = "no date was ever published" if status.is_new else "what was published is withdrawn"
        return f"NOTHING PUBLISHED  shop '{status.shop}': {why}"
    if status.is_to_come:
        return (
            f"IN THE FUTURE  shop '{status.shop}': the newest published date is {status.newest}, "
            f"{_days((status.newest - status.today).days)} ahead of today: readers see no real date\n"
            f"What to do: make withdraw AS_OF={status.newest} (python -m segmentation withdraw)"
        )
    age = _days((status.today - status.newest).days)
    due = f"{loaded.alerts.deadline:%H:%M}"
    facts = f"shop '{status.shop}': the newest published date is {status.newest}, {age} old"
    if status.is_fresh:
        return f"FRESH  {facts}"
    return (
        f"OLD  {facts}; {status.expected} was due at {due} ({_days(status.days_late)} late, allowed "
        f"{status.days_allowed})\nWhat to do: {loaded.alerts.runbooks}/never_started.md"
    )


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number:,} days"


def _runs(status: Status, loaded: Settings) -> list[str]:
    if not status.runs:
        return ["Runs       none"]
    lines = []
    for place, run in enumerate(status.runs):
        started = f"{run.started_at.astimezone(loaded.tz):%Y-%m-%d %H:%M}"
        verdict = (run.verdict or "").strip().splitlines()
        reason = f": {verdict[0][:100]}" if verdict and not run.is_published else ""
        label = "Runs" if not place else ""
        ended = ENDED.get(run.ended_by or "", run.status)
        lines.append(f"{label:<11}{run.as_of_date}  {ended:<9}  started {started}{reason}")
    return lines


def _stale(status: Status) -> list[str]:
    """Published dates that late or corrected facts have changed."""
    if not status.stale:
        return []
    many = "1 published date" if len(status.stale) == 1 else f"{len(status.stale):,} published dates"
    return [
        "",
        f"{'Stale':<11}{many}, from {status.stale[0]} on: they would come out differently now. Why:",
        f"{'':<11}select * from segments.stale_dates; to run them again: make stale (docs/backfills.md)",
    ]


def _incidents(status: Status, loaded: Settings) -> list[str]:
    """The open incidents, the newest first."""
    if not status.incidents:
        return ["", "Incidents  none open"]
    lines = [""]
    for place, one in enumerate(reversed(status.incidents[-INCIDENTS:])):
        delivery = "told" if one["delivered"] else "NOBODY TOLD"
        at = f"{one['at'].astimezone(loaded.tz):%Y-%m-%d %H:%M}"
        label = "Incidents" if not place else ""
        lines.append(f"{label:<11}{one['as_of_date']}  {one['kind']:<9}  {at}, {delivery}: {one['title']}")
    if len(status.incidents) > INCIDENTS:
        lines.append(f"{'':<11}and {len(status.incidents) - INCIDENTS} older ones")
    return lines


def tell(database: Database, loaded: Settings, *, quiet: bool = False, new_is_fine: bool = False) -> int:
    """Print the status; returns the exit code."""
    try:
        status = read(database, loaded, datetime.now(loaded.tz))
    except (psycopg2.Error, NoAnswer) as error:
        print(f"error: the warehouse cannot be asked: {str(error).strip().splitlines()[0]}", file=sys.stderr)
        return NOT_USABLE
    print(_headline(status, loaded) if quiet else text(status, loaded))
    return FRESH if status.is_fresh or (new_is_fine and status.is_new) else OLD
