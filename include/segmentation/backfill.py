"""Dates in order, by Airflow's scheduler: `python -m segmentation.backfill FROM TO`, or `make backfill`.

Runs where Airflow runs (this module knows it). It turns dates of the shop into the instants that
`airflow backfill create` wants, creates the backfill or joins the one that is unfinished, and tells what
became of each date. Interrupted, it is called again, and goes on: the runs are the scheduler's, not this
process's.

Exit codes: 0 every date is published, or had no data; 1 a date ended otherwise, or the scheduler is gone; 2
something given to the command is wrong.
"""

import argparse
import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from segmentation.dates import ONE_DAY, midnight
from segmentation.errors import SettingsError, UserError
from segmentation.runs import register, stale
from segmentation.runs.window import Span
from segmentation.warehouse import db

if TYPE_CHECKING:
    from segmentation.settings import Settings

DAG = "customer_segmentation"
PARSE_SECONDS = 180
DONE, ENDED_OTHERWISE, NOT_USABLE = 0, 1, 2
GOOD = ("published", "no_data")

# Dates that a backfill leaves as they are, by REPROCESS: those whose newest run ended so.
LEFT = {
    "none": ("published", "held", "no_data", "rejected", "failed"),
    "failed": ("published", "held", "no_data"),
    "completed": (),
    "stale": (),
}


@dataclass(frozen=True)
class Asked:
    """What a backfill was asked for. It travels as the parameter `backfill` of each of its runs."""

    first: date
    last: date
    since: datetime | None = None
    reprocess: str = "none"

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Asked":
        """From the parameter.

        Raises
        ------
        SettingsError
            When it is not one.
        """
        try:
            asked = cls(
                date.fromisoformat(told["first"]),
                date.fromisoformat(told["last"]),
                datetime.fromisoformat(told["since"]) if told.get("since") else None,
                told.get("reprocess", "completed"),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"parameter backfill: not usable ({type(error).__name__}: {error})") from None
        if asked.reprocess not in LEFT:
            raise SettingsError(f"REPROCESS={asked.reprocess}: expected {', '.join(LEFT)}")
        if asked.first > asked.last:
            raise SettingsError(f"FROM={asked.first} is after TO={asked.last}")
        return asked

    @property
    def told(self) -> dict[str, Any]:
        """The parameter."""
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


def left_alone(warehouse: db.Database, day: date, dag_run_id: str, asked: Asked) -> str | None:
    """Why a backfill leaves a date as it is; None when it is to be run."""
    with warehouse.connect(readonly=True) as conn:
        if asked.reprocess == "stale":
            known = db.scalar(
                conn, "select why from segments.stale_dates where as_of_date = %(d)s", {"d": day}
            )
            return None if known else "it is not stale"
        newest = _newest_runs(conn, [day]).get(day)
    if newest is None or newest["status"] not in LEFT[asked.reprocess]:
        return None
    return f"its newest run {newest['run_id']} is {newest['status']} (REPROCESS={asked.reprocess})"


def _newest_runs(conn: db.Connection, days: list[date]) -> dict[date, dict[str, Any]]:
    if db.scalar(conn, "select to_regclass('segments.runs')") is None:
        return {}
    query = """
        select distinct on (as_of_date) as_of_date, run_id, dag_run_id, status, verdict, counts
        from segments.runs where as_of_date = any(%(days)s)
        order by as_of_date, started_at desc
    """
    return {row["as_of_date"]: row for row in db.rows(conn, query, {"days": days})}


# --- what is asked ----------------------------------------------------------------------------------------


def ask(
    warehouse: db.Database, loaded: "Settings", first: str, last: str, reprocess: str, now: datetime
) -> Asked | None:
    """What to run, narrowed to the first and the last date that there is something to do for; None: nothing.

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
            return Asked(days[0], register.newest(conn), None, reprocess) if days else None
        asked = replace(
            Asked.of({"first": _date("FROM", first), "last": _date("TO", last), "reprocess": reprocess}),
            since=db.scalar(conn, "select clock_timestamp()"),
        )
        newest = _newest_runs(conn, asked.days)
    if (today := _newest_due(loaded.tz, now)) < asked.last:
        raise SettingsError(
            f"TO={asked.last}: the night of that date is still to come; the newest is {today}"
        )
    left = {day for day, run in newest.items() if run["status"] in LEFT[reprocess]}
    wanted = [day for day in asked.days if day not in left]
    return replace(asked, first=wanted[0], last=wanted[-1]) if wanted else None


def _date(name: str, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise SettingsError(f"{name}={text}: not a date (write it as 2011-12-01)") from None


def _newest_due(tz: ZoneInfo, now: datetime) -> date:
    """The newest date whose run is due: it is at 02:00."""
    return (now.astimezone(tz) - timedelta(hours=2, minutes=1)).date()


# --- Airflow's side ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DagRun:
    """What Airflow knows of a date of the backfill."""

    day: date
    run_id: str | None
    state: str  # "in flight" and the like: Airflow made no run of it
    seconds: float

    @property
    def has_ended(self) -> bool:
        return self.state in ("success", "failed") or self.run_id is None


def unfinished() -> tuple[int, Asked | None] | None:
    """The backfill that Airflow has not completed: its number, and what was asked (None: not by us)."""
    from airflow.models.backfill import Backfill, BackfillDagRun
    from airflow.models.dagrun import DagRun as Model
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = session.scalar(
            select(Backfill).where(Backfill.dag_id == DAG, Backfill.completed_at.is_(None))
        )
        if found is None:
            return None
        of_it = Model.id == BackfillDagRun.dag_run_id
        states = select(Model.state).join(BackfillDagRun, of_it).where(BackfillDagRun.backfill_id == found.id)
        made = session.scalars(states).all()
        if made and all(state in ("success", "failed") for state in made):
            found.completed_at = datetime.now(UTC)  # the scheduler does so some seconds after the last run
            return None
        told = (found.dag_run_conf or {}).get("backfill")
        return found.id, Asked.of(told) if told else None


def give_up(number: int) -> None:
    """End an unfinished backfill: what has not begun is not run. As the button in the UI does."""
    from airflow.models.backfill import Backfill, BackfillDagRun
    from airflow.models.dagrun import DagRun as Model
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from sqlalchemy import select, update

    with create_session() as session:
        register = select(BackfillDagRun.dag_run_id).where(BackfillDagRun.backfill_id == number)
        session.execute(
            update(Model)
            .where(Model.id.in_(register), Model.state == DagRunState.QUEUED)
            .values(state=DagRunState.FAILED)
            .execution_options(synchronize_session=False)
        )
        found = session.get(Backfill, number)
        found.is_paused, found.completed_at = True, datetime.now(UTC)


def create(asked: Asked, tz: ZoneInfo) -> int:
    """Let Airflow make the runs; returns the number of the backfill.

    Each run decides itself whether its date is left as it is: also a date that no run of Airflow's made.

    Raises
    ------
    SettingsError
        When Airflow refuses it.
    """
    first, last = asked.bounds(tz)
    command = [str(Path(sys.executable).parent / "airflow"), "backfill", "create", "--dag-id", DAG]
    command += ["--from-date", first.isoformat(), "--to-date", last.isoformat(), "--max-active-runs", "1"]
    command += ["--reprocess-behavior", "completed", "--dag-run-conf", json.dumps({"backfill": asked.told})]
    made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (ours)
    found = unfinished()
    if made.returncode or found is None:
        lines = [line for line in (made.stdout + made.stderr).splitlines() if line.strip()]
        raise SettingsError(f"airflow backfill create refused: {lines[-1] if lines else made.returncode}")
    return found[0]


def wait_for_the_dag(parsed_after: datetime | None, seconds: float = PARSE_SECONDS) -> None:
    """Until the dag processor has read the DAG (after that instant).

    Raises
    ------
    SettingsError
        When it does not, with Airflow's own word on it; or when the DAG is paused.
    """
    from airflow.models.dag import DagModel
    from airflow.models.errors import ParseImportError
    from airflow.utils.session import create_session
    from sqlalchemy import select

    deadline = time.monotonic() + seconds
    while True:
        with create_session() as session:
            found = session.scalar(select(DagModel).where(DagModel.dag_id == DAG))
            parsed = found and found.last_parsed_time
            is_paused = bool(found and found.is_paused)
            errors = session.scalars(select(ParseImportError.stacktrace)).all()
        if parsed and (parsed_after is None or parsed > parsed_after):
            break
        if time.monotonic() > deadline:
            why = errors[0].strip().splitlines()[-1] if errors else "is the dag processor up?"
            raise SettingsError(f"the DAG {DAG} was not read in {seconds:.0f} s: {why}")
        time.sleep(1)
    if is_paused:
        raise SettingsError(f"the DAG {DAG} is paused, so nothing of it runs: airflow dags unpause {DAG}")


def dag_runs(number: int, tz: ZoneInfo) -> tuple[list[DagRun], bool]:
    """The runs of a backfill in order, and whether Airflow has completed it."""
    from airflow.models.backfill import Backfill, BackfillDagRun
    from airflow.models.dagrun import DagRun as Model
    from airflow.utils.session import create_session
    from sqlalchemy import select

    query = (
        select(
            BackfillDagRun.logical_date,
            BackfillDagRun.exception_reason,
            Model.run_id,
            Model.state,
            Model.start_date,
            Model.end_date,
        )
        .outerjoin(Model, BackfillDagRun.dag_run_id == Model.id)
        .where(BackfillDagRun.backfill_id == number)
        .order_by(BackfillDagRun.sort_ordinal)
    )
    with create_session() as session:
        rows = session.execute(query).all()
        is_complete = session.get(Backfill, number).completed_at is not None
    return [
        DagRun(
            row.logical_date.astimezone(tz).date(),
            row.run_id,
            str(row.state or row.exception_reason),
            (row.end_date - row.start_date).total_seconds() if row.start_date and row.end_date else 0,
        )
        for row in rows
    ], is_complete


# --- what a person sees -----------------------------------------------------------------------------------


def follow(
    number: int, warehouse: db.Database, tz: ZoneInfo, say: Callable[[str], None], pause: float = 1.0
) -> list[date]:
    """Tell each date as it ends, until all have; returns the dates."""
    told, started = 0, time.monotonic()
    while True:
        made, is_complete = dag_runs(number, tz)
        while told < len(made) and (made[told].has_ended or is_complete):
            dag_run, told = made[told], told + 1
            with warehouse.connect(readonly=True) as conn:
                newest = _newest_runs(conn, [dag_run.day]).get(dag_run.day)
            left = (time.monotonic() - started) / told * (len(made) - told)
            say(_line(dag_run, newest, told, len(made), left))
        if told == len(made):
            return [one.day for one in made]
        time.sleep(pause)


def _line(run: DagRun, newest: dict[str, Any] | None, number: int, of: int, left: float) -> str:
    place = f"{number:>{len(str(of))}}/{of}  {run.day}  "
    to_go = f", about {_length(left)} to go" if number < of else ""
    if newest is None:
        return f"{place}did not start ({run.state}){to_go}"
    said = ""
    if newest["status"] == "published" and "customers" in newest["counts"]:
        said = f"{newest['counts']['customers']:,} customers in {newest['counts']['segments']} segments"
    elif newest["verdict"]:
        said = newest["verdict"].splitlines()[0][:160]
    if newest["dag_run_id"] != run.run_id or run.state not in ("success", "failed"):
        said = f"{said}, left as it is" if said else "left as it is"
    return f"{place}{newest['status']:<9}  {said}  ({run.seconds:.0f} s{to_go})"


def _length(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{max(minutes, 1)} min"


def summary(warehouse: db.Database, days: list[date]) -> tuple[list[str], int]:
    """What became of the dates, in words, and the exit code."""
    with warehouse.connect(readonly=True) as conn:
        newest = _newest_runs(conn, days)
        left = [one.as_of_date for one in stale.dates(conn)]
    by_status: dict[str, list[date]] = {}
    for day in days:
        by_status.setdefault(newest[day]["status"] if day in newest else "not started", []).append(day)
    counted = ", ".join(f"{len(dates):,} {status}" for status, dates in sorted(by_status.items()))
    lines = [f"BACKFILL  {days[0]} to {days[-1]}: {counted}" if days else "BACKFILL  no date"]
    for status, dates in sorted(by_status.items()):
        if status in GOOD:
            continue
        lines.append(f"{status}: {', '.join(map(str, dates[:10]))}{' and more' if len(dates) > 10 else ''}")
        lines += [f"  {day}: {newest[day]['verdict']}" for day in dates[:3] if day in newest]
        lines.append(f"  What to do: {ADVICE.get(status, ADVICE['failed'])}")
    if left:
        which = f"dates are stale, from {left[0]} on" if len(left) > 1 else f"date is stale, {left[0]}"
        lines.append(f"{len(left):,} published {which}: make stale runs {'them' if left[1:] else 'it'} again")
    return lines, DONE if set(by_status) <= set(GOOD) else ENDED_OTHERWISE


ADVICE = {
    "held": "look at the verdict, then make release AS_OF= or make reject AS_OF=",
    "running": "another run of the date is under way; wait for it",
    "not started": "the same command again makes them",
    "failed": "mend what the verdict names, then the same command with REPROCESS=failed",
}


def run(
    warehouse: db.Database,
    loaded: "Settings",
    told: tuple[str, str, str],
    say: Callable[[str], None],
    parsed_after: datetime | None = None,
    is_given_up: bool = False,
) -> int:
    """Create the backfill or go on with it, follow it to its end; returns the exit code.

    Raises
    ------
    SettingsError
        When what was asked cannot be done.
    """
    first, last, reprocess = told
    asked = ask(warehouse, loaded, first, last, reprocess, datetime.now(UTC))
    found = unfinished()
    if found and is_given_up:
        give_up(found[0])
        say(f"the unfinished backfill {_named(found[1])} is given up; what it had published stays")
        found = None
    if asked is None and not found:
        say("no published date is stale" if reprocess == "stale" else _nothing(first, last, reprocess))
        days = [] if reprocess == "stale" else Asked.of({"first": first, "last": last}).days
        return summary(warehouse, days)[1]
    wait_for_the_dag(parsed_after)
    if found:
        number = _join(found, told, say)
    else:
        say(f"backfilling {_named(asked)}")
        number = create(asked, loaded.tz)
    days = follow(number, warehouse, loaded.tz, say)
    if found and reprocess == "none" and not unfinished():
        more = ask(warehouse, loaded, *told, datetime.now(UTC))  # the unfinished one was of fewer dates
        if more:
            say(f"backfilling {_named(more)}")
            follow(create(more, loaded.tz), warehouse, loaded.tz, say)
    if reprocess != "stale" and first and last:
        days = Asked.of({"first": first, "last": last}).days
    lines, code = summary(warehouse, days)
    say("")
    for line in lines:
        say(line)
    return code


def _join(found: tuple[int, Asked | None], told: tuple[str, str, str], say: Callable[[str], None]) -> int:
    number, before = found
    first, last, reprocess = told
    is_ours = before is not None and before.reprocess == reprocess
    inside = is_ours and (
        reprocess == "stale" or (first <= before.first.isoformat() and before.last.isoformat() <= last)
    )
    if not inside:
        raise SettingsError(
            f"the backfill {_named(before)} is not finished, and Airflow runs one at a time: go on with it "
            "by the same FROM, TO and REPROCESS as then, or end it with GIVE_UP=1"
        )
    say(f"going on with the unfinished backfill {_named(before)}")
    return number


def _named(asked: Asked | None) -> str:
    if asked is None:
        return "that was made in the UI or by 'airflow backfill create'"
    return f"of {asked.first} to {asked.last} (REPROCESS={asked.reprocess})"


def _nothing(first: str, last: str, reprocess: str) -> str:
    return f"nothing to do: every date from {first} to {last} has its result (REPROCESS={reprocess})"


def _say(message: str) -> None:
    print(message, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    from segmentation import settings
    from segmentation.runs import connections
    from segmentation.warehouse import schema

    parser = argparse.ArgumentParser(prog="python -m segmentation.backfill", description=__doc__)
    parser.add_argument("first", nargs="?", default="", metavar="FROM")
    parser.add_argument("last", nargs="?", default="", metavar="TO")
    parser.add_argument("--reprocess", default="none", choices=("none", "failed", "completed"))
    parser.add_argument("--stale", action="store_true", help="the stale dates, in order; without FROM and TO")
    parser.add_argument("--give-up", action="store_true", help="end an unfinished backfill first")
    parser.add_argument("--parsed-after", type=datetime.fromisoformat, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    told = ("", "", "stale") if args.stale else (args.first, args.last, args.reprocess)
    try:
        target = connections.database("warehouse")
        schema.migrate(target)
        return run(target, settings.load(), told, _say, args.parsed_after, args.give_up)
    except UserError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return NOT_USABLE
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
