"""A backfill as Airflow's scheduler knows it, by Airflow's REST API."""

import time
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from segmentation.errors import SettingsError
from segmentation.operations.backfill.api import Airflow, Refused
from segmentation.operations.backfill.request import Request
from segmentation.runs.dag_ids import ENDED, NIGHT

PARSE_SECONDS = 180


@dataclass(frozen=True)
class Backfill:
    """A backfill of Airflow's; `request` is None when it was not made by this project."""

    number: int
    first: datetime
    last: datetime
    request: Request | None

    @classmethod
    def of(cls, answer: dict[str, Any]) -> "Backfill":
        """Backfill as the API answers."""
        parameter = (answer["dag_run_conf"] or {}).get("backfill")
        first, last = (datetime.fromisoformat(answer[name]) for name in ("from_date", "to_date"))
        return cls(answer["id"], first, last, Request.of(parameter) if parameter else None)


@dataclass(frozen=True)
class DagRun:
    """The run of a date of the backfill in Airflow."""

    day: date
    run_id: str | None
    state: str  # "in flight": another run of the date was under way, so Airflow made none
    seconds: float

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED or self.run_id is None


def unfinished(api: Airflow) -> Backfill | None:
    """The backfill that Airflow has not completed."""
    for row in api.pages("backfills", "backfills", dag_id=NIGHT, order_by="-id"):
        if row["completed_at"]:
            continue
        backfill = Backfill.of(row)
        runs = _runs(api, backfill)
        if runs and all(run["state"] in ENDED for run in runs):
            give_up(api, backfill)  # the scheduler notes the end only some seconds after the last run
            continue
        return backfill
    return None


def give_up(api: Airflow, backfill: Backfill) -> None:
    """End an unfinished backfill: what has not begun is not run. As the button in the UI does."""
    try:
        api.send("PUT", f"backfills/{backfill.number}/cancel")
    except Refused as refused:
        if refused.status != httpx.codes.CONFLICT:  # it has ended in the meantime
            raise


def _request(request: Request, tz: ZoneInfo) -> dict[str, Any]:
    """The request to Airflow. Each run decides itself whether its date is left as it is."""
    first, last = request.bounds(tz)
    return {
        "dag_id": NIGHT,
        "from_date": first.isoformat(),
        "to_date": last.isoformat(),
        "max_active_runs": 1,
        "reprocess_behavior": "completed",
        "dag_run_conf": {"backfill": request.parameter},
    }


def create(api: Airflow, request: Request, tz: ZoneInfo) -> Backfill:
    """Let Airflow make the runs.

    Raises
    ------
    SettingsError
        When Airflow refuses it.
    """
    return Backfill.of(api.send("POST", "backfills", _request(request, tz)))


def dry_run(api: Airflow, request: Request, tz: ZoneInfo) -> list[date]:
    """The dates that Airflow would make runs of, in order; none of them is made.

    Raises
    ------
    SettingsError
        When Airflow would refuse it.
    """
    answer = api.send("POST", "backfills/dry_run", _request(request, tz))
    return [_day(one, tz) for one in answer["backfills"]]


def wait_for_the_dag(
    api: Airflow, parsed_after: datetime | None = None, seconds: float = PARSE_SECONDS
) -> None:
    """Wait until the dag processor has read the DAG (after that instant).

    Raises
    ------
    SettingsError
        When it does not, with Airflow's own word on it; or when the DAG is paused.
    """
    deadline = time.monotonic() + seconds
    while not _is_parsed(dag := _dag(api), parsed_after):
        if time.monotonic() > deadline:
            errors = api.get("importErrors")["import_errors"]
            why = errors[0]["stack_trace"].strip().splitlines()[-1] if errors else "is the dag processor up?"
            raise SettingsError(f"the DAG {NIGHT} was not read in {seconds:.0f} s: {why}")
        time.sleep(1)
    if dag["is_paused"]:
        raise SettingsError(f"the DAG {NIGHT} is paused, so nothing of it runs: airflow dags unpause {NIGHT}")


def _dag(api: Airflow) -> dict[str, Any]:
    try:
        return api.get(f"dags/{NIGHT}")
    except Refused as refused:
        if refused.status != httpx.codes.NOT_FOUND:
            raise
        return {}


def _is_parsed(dag: dict[str, Any], after: datetime | None) -> bool:
    parsed = dag.get("last_parsed_time")
    return parsed is not None and (after is None or datetime.fromisoformat(parsed) > after)


def dag_runs(api: Airflow, backfill: Backfill, tz: ZoneInfo) -> tuple[list[DagRun], bool]:
    """The runs of a backfill in order, and whether Airflow has completed it."""
    run_by_day = {_day(run, tz): run for run in _runs(api, backfill)}
    is_complete = api.get(f"backfills/{backfill.number}")["completed_at"] is not None
    days = backfill.request.days if backfill.request else sorted(run_by_day)
    return [_dag_run(day, run_by_day.get(day)) for day in days], is_complete


def _runs(api: Airflow, backfill: Backfill) -> list[dict[str, Any]]:
    """The runs as the API answers; they carry what was asked as their parameter."""
    path, key = f"dags/{NIGHT}/dagRuns", "dag_runs"
    between = {"logical_date_gte": backfill.first.isoformat(), "logical_date_lte": backfill.last.isoformat()}
    runs = api.pages(path, key, run_type="backfill", order_by="logical_date", **between)
    parameter = {"backfill": backfill.request.parameter} if backfill.request else {}
    return [run for run in runs if parameter.items() <= (run["conf"] or {}).items()]


def _dag_run(day: date, run: dict[str, Any] | None) -> DagRun:
    if run is None:
        return DagRun(day, None, "in flight", 0)
    start, end = (run[name] and datetime.fromisoformat(run[name]) for name in ("start_date", "end_date"))
    seconds = (end - start).total_seconds() if start and end else 0
    return DagRun(day, run["dag_run_id"], run["state"], seconds)


def _day(run: dict[str, Any], tz: ZoneInfo) -> date:
    return datetime.fromisoformat(run["logical_date"]).astimezone(tz).date()
