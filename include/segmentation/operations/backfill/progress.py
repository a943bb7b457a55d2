"""A backfill followed while it runs, and its summary."""

import time
from collections.abc import Callable
from datetime import date
from zoneinfo import ZoneInfo

from segmentation.operations.backfill.api import Airflow
from segmentation.operations.backfill.request import _newest_runs
from segmentation.operations.backfill.scheduler import Backfill, DagRun, dag_runs
from segmentation.runs import stale
from segmentation.runs.register import Run
from segmentation.warehouse import db

DONE, ENDED_OTHERWISE, NOT_USABLE = 0, 1, 2
GOOD = ("published", "no_data")


def follow(
    api: Airflow,
    backfill: Backfill,
    warehouse: db.Database,
    tz: ZoneInfo,
    say: Callable[[str], None],
    pause: float = 2.0,
) -> list[date]:
    """Tell each date as it ends, until all have; returns the dates."""
    reported, started = 0, time.monotonic()
    while True:
        all_runs, is_complete = dag_runs(api, backfill, tz)
        while reported < len(all_runs) and (all_runs[reported].has_ended or is_complete):
            dag_run, reported = all_runs[reported], reported + 1
            with warehouse.connect(readonly=True) as conn:
                newest = _newest_runs(conn, [dag_run.day]).get(dag_run.day)
            left = (time.monotonic() - started) / reported * (len(all_runs) - reported)
            say(_line(dag_run, newest, reported, len(all_runs), left))
        if reported == len(all_runs):
            return [one.day for one in all_runs]
        time.sleep(pause)


def _line(run: DagRun, newest: Run | None, number: int, of: int, left: float) -> str:
    place = f"{number:>{len(str(of))}}/{of}  {run.day}  "
    to_go = f", about {_length(left)} to go" if number < of else ""
    if newest is None:
        return f"{place}did not start ({run.state}){to_go}"
    outcome = ""
    if newest.is_published and "customers" in newest.counts:
        outcome = f"{newest.counts['customers']:,} customers in {newest.counts['segments']} segments"
    elif newest.verdict:
        outcome = newest.verdict.splitlines()[0][:160]
    if newest.dag_run_id != run.run_id or run.state not in ("success", "failed"):
        outcome = f"{outcome}, left as it is" if outcome else "left as it is"
    return f"{place}{newest.status:<9}  {outcome}  ({run.seconds:.0f} s{to_go})"


def _length(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{max(minutes, 1)} min"


def summary(warehouse: db.Database, days: list[date]) -> tuple[list[str], int]:
    """The outcome of the dates, in words, and the exit code."""
    with warehouse.connect(readonly=True) as conn:
        newest = _newest_runs(conn, days)
        left = [one.as_of_date for one in stale.dates(conn)]
    by_status: dict[str, list[date]] = {}
    for day in days:
        by_status.setdefault(newest[day].status if day in newest else "not started", []).append(day)
    counted = ", ".join(f"{len(dates):,} {status}" for status, dates in sorted(by_status.items()))
    lines = [f"BACKFILL  {days[0]} to {days[-1]}: {counted}" if days else "BACKFILL  no date"]
    for status, dates in sorted(by_status.items()):
        if status in GOOD:
            continue
        lines.append(f"{status}: {', '.join(map(str, dates[:10]))}{' and more' if len(dates) > 10 else ''}")
        lines += [f"  {day}: {newest[day].verdict}" for day in dates[:3] if day in newest]
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
