"""Dates in order, by Airflow's scheduler: `python -m segmentation backfill FROM TO`, or `make backfill`.

It asks Airflow by its REST API, so that it may run anywhere: the connection `airflow_api` says where that is.
It turns dates of the shop into the instants that Airflow wants, creates the backfill or joins the one that
is unfinished, and tells what became of each date. Interrupted, it is called again, and goes on: the runs are
the scheduler's, not this process's.

Exit codes: 0 every date is published, or had no data; 1 a date ended otherwise, or the scheduler is gone; 2
something given to the command is wrong.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from segmentation.errors import SettingsError
from segmentation.operations.backfill.api import Airflow
from segmentation.operations.backfill.progress import DONE, follow, summary
from segmentation.operations.backfill.request import Request, ask, left_alone
from segmentation.operations.backfill.scheduler import (
    Backfill,
    create,
    dry_run,
    give_up,
    unfinished,
    wait_for_the_dag,
)
from segmentation.warehouse import db

if TYPE_CHECKING:
    from segmentation.settings import Settings


def run(
    api: Airflow,
    warehouse: db.Database,
    loaded: "Settings",
    request: tuple[str, str, str],
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
    first, last, reprocess = request
    narrowed = ask(warehouse, loaded, first, last, reprocess, datetime.now(UTC))
    in_flight = unfinished(api)
    if in_flight and is_given_up:
        give_up(api, in_flight)
        say(f"the unfinished backfill {_named(in_flight.request)} is given up; what it had published stays")
        in_flight = None
    if in_flight:
        wait_for_the_dag(api, parsed_after)
        backfill = _join(in_flight, request, say)
    elif narrowed:
        wait_for_the_dag(api, parsed_after)
        say(f"backfilling {_named(narrowed)}")
        backfill = create(api, narrowed, loaded.tz)
    else:
        say("no published date is stale" if reprocess == "stale" else _nothing(first, last, reprocess))
        days = [] if reprocess == "stale" else Request.of({"first": first, "last": last}).days
        return summary(warehouse, days)[1]
    days = follow(api, backfill, warehouse, loaded.tz, say)
    if in_flight and reprocess == "none" and not unfinished(api):
        more = ask(warehouse, loaded, *request, datetime.now(UTC))  # the unfinished one was of fewer dates
        if more:
            say(f"backfilling {_named(more)}")
            follow(api, create(api, more, loaded.tz), warehouse, loaded.tz, say)
    if reprocess != "stale" and first and last:
        days = Request.of({"first": first, "last": last}).days
    lines, code = summary(warehouse, days)
    say("")
    for line in lines:
        say(line)
    return code


def preview(
    api: Airflow,
    warehouse: db.Database,
    loaded: "Settings",
    request: tuple[str, str, str],
    say: Callable[[str], None],
) -> int:
    """Say which dates a backfill would make, and make none; returns the exit code.

    Raises
    ------
    SettingsError
        When what was asked cannot be done.
    """
    first, last, reprocess = request
    narrowed = ask(warehouse, loaded, first, last, reprocess, datetime.now(UTC))
    if narrowed is None:
        say("no published date is stale" if reprocess == "stale" else _nothing(first, last, reprocess))
        return DONE
    wait_for_the_dag(api)
    days = [
        day
        for day in dry_run(api, narrowed, loaded.tz)
        if left_alone(warehouse, day, "", replace(narrowed, since=None)) is None
    ]
    say(f"a backfill {_named(narrowed)} would make {len(days):,} {'date' if len(days) == 1 else 'dates'}")
    for day in days:
        say(f"  {day}")
    return DONE


def _join(in_flight: Backfill, request: tuple[str, str, str], say: Callable[[str], None]) -> Backfill:
    before = in_flight.request
    first, last, reprocess = request
    inside = before is not None and (
        reprocess == "stale" or (first <= before.first.isoformat() and before.last.isoformat() <= last)
    )
    if before is None or before.reprocess != reprocess or not inside:
        raise SettingsError(
            f"the backfill {_named(before)} is not finished, and Airflow runs one at a time: go on with it "
            "by the same FROM, TO and REPROCESS as then, or end it with GIVE_UP=1"
        )
    say(f"going on with the unfinished backfill {_named(before)}")
    return in_flight


def _named(request: Request | None) -> str:
    if request is None:
        return "that was made in the UI or by 'airflow backfill create'"
    return f"of {request.first} to {request.last} (REPROCESS={request.reprocess})"


def _nothing(first: str, last: str, reprocess: str) -> str:
    return f"nothing to do: every date from {first} to {last} has its result (REPROCESS={reprocess})"


def _say(message: str) -> None:
    print(message, flush=True)


def command(
    first: str,
    last: str,
    reprocess: str,
    is_stale: bool,
    parsed_after: datetime | None,
    is_given_up: bool,
    is_dry_run: bool = False,
) -> int:
    """Make the dates by the scheduler of this deployment, and follow it: the command `backfill`."""
    from segmentation import settings
    from segmentation.runs import connections
    from segmentation.warehouse import schema

    if reprocess not in ("none", "failed", "completed"):
        raise SettingsError(f"--reprocess {reprocess}: expected none, failed or completed")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    target = connections.database("warehouse")
    schema.migrate(target)
    api = Airflow(*connections.http("airflow_api"))
    dates = ("", "", "stale") if is_stale else (first, last, reprocess)
    if is_dry_run:
        return preview(api, target, settings.load(), dates, _say)
    return run(api, target, settings.load(), dates, _say, parsed_after, is_given_up)
