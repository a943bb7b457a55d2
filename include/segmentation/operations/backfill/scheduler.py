"""A backfill as Airflow's scheduler knows it."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from segmentation.errors import SettingsError
from segmentation.operations.backfill.request import Asked

DAG = "customer_segmentation"
PARSE_SECONDS = 180


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
        runs = select(BackfillDagRun.dag_run_id).where(BackfillDagRun.backfill_id == number)
        session.execute(
            update(Model)
            .where(Model.id.in_(runs), Model.state == DagRunState.QUEUED)
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
