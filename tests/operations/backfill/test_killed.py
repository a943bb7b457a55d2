"""A backfill under the real scheduler: killed, made by Airflow's own command, with a night in the middle."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from segmentation.local import postgres
from segmentation.warehouse import db
from tests.faults.kills import FIRST, QUICK, RELATIONS, SHOP, Backfill
from tests.machine import machine_with

pytestmark = pytest.mark.story

SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
MIDNIGHT = datetime.combine(THIRD, datetime.min.time(), ZoneInfo(QUICK["SEGMENTATION__SHOP__TIMEZONE"]))
WAIT_SECONDS = 600
# As the scheduler makes the run of a night, at once when a line comes in.
NIGHT = """
import sys
from datetime import datetime
from airflow.api.common.trigger_dag import trigger_dag
from airflow.utils.types import DagRunTriggeredByType, DagRunType
due = datetime.fromisoformat(sys.argv[1])
print("READY", flush=True)
sys.stdin.readline()
name = f"scheduled__{due.isoformat()}"
how = {"triggered_by": DagRunTriggeredByType.TIMETABLE, "run_type": DagRunType.SCHEDULED}
trigger_dag("customer_segmentation", run_after=due, run_id=name, **how)
"""


@pytest.fixture(scope="module")
def backfill(prepared_shop) -> Iterator[Backfill]:
    with machine_with(prepared_shop, SHOP) as machine:
        backfill = Backfill(machine, dates=2)
        with backfill.services():
            yield backfill


@pytest.fixture(scope="module")
def expected(backfill) -> dict[str, list[str]]:
    """The rows of two dates that nobody disturbs."""
    return backfill.undisturbed()


def wait_until(is_so: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not within {WAIT_SECONDS} s"
        time.sleep(0.4)


def asked(backfill: Backfill, database: str, query: str) -> list[dict]:
    server = postgres.start(backfill.machine.folder / SHOP / "postgres")
    with postgres.database(server, database, create=False).connect(readonly=True) as conn:
        return db.rows(conn, query)


def are_over(backfill: Backfill) -> bool:
    """True where every run that Airflow has made has ended."""
    query = "select from dag_run where state in ('queued', 'running')"
    return not asked(backfill, "airflow", query)


def test_two_killed_tasks_change_no_row(backfill, expected):
    assert all(expected[table] for table in RELATIONS[:4])
    assert f"1/2  {FIRST}  published" in backfill.said
    assert f"BACKFILL  {FIRST} to {SECOND}: 2 published" in backfill.said
    assert backfill.disturbed(kills=2) == ["a task", "a task"]
    assert backfill.rows() == expected
    with backfill.machine.warehouse(SHOP).connect(readonly=True) as conn:
        assert db.rows(conn, "select * from segments.stale_dates") == []


def test_a_dry_run_names_the_dates_and_makes_none(backfill, expected):
    runs = "select run_id from segments.runs order by run_id"
    before = asked(backfill, "warehouse", runs)
    words = ("--from", str(SECOND), "--to", str(THIRD), "--dry-run", "1")
    assert backfill.begin(*words).wait(WAIT_SECONDS) == 0, backfill.said
    assert f"would make 1 date\n  {THIRD}\n" in backfill.said  # the second is published
    assert asked(backfill, "warehouse", runs) == before


def test_a_night_in_the_middle_of_a_backfill_comes_to_the_rows_of_dates_made_one_by_one(backfill, expected):
    """The third date is made by Airflow's own command first, and by the night then."""
    create = [str(Path(sys.executable).parent / "airflow"), "backfill", "create"]
    create += ["--dag-id", "customer_segmentation", "--max-active-runs", "1"]
    create += ["--from-date", MIDNIGHT.isoformat()]
    create += ["--to-date", (MIDNIGHT + timedelta(days=1, seconds=-1)).isoformat()]
    # Airflow notes the end of a backfill some seconds late, and makes no other before
    ended = "select from backfill having count(*) = count(completed_at)"
    wait_until(lambda: asked(backfill, "airflow", ended), "the end of the backfill before")
    subprocess.run(create, env=backfill.airflow, check=True, capture_output=True)
    wait_until(lambda: are_over(backfill), "the end of the backfill of Airflow's own")
    one_by_one = backfill.rows()
    assert sum(f'"as_of_date": "{THIRD}"' in row for row in one_by_one["segments.customer_segments"]) > 50

    backfill.forget()
    due = (MIDNIGHT + timedelta(hours=2)).isoformat()
    night = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", NIGHT, due],
        env=backfill.airflow,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    while night.stdout.readline() != "READY\n":
        assert night.poll() is None
    command, shown = backfill.begin(), []
    newest = (
        "select (select max(as_of_date) from segments.runs where status = 'published') as newest, "
        "array_agg(distinct as_of_date) as shown from segments.current_customer_segments"
    )

    def look() -> bool:
        if asked(backfill, "warehouse", "select where to_regclass('segments.runs') is not null"):
            shown.extend(asked(backfill, "warehouse", newest))
        return bool(shown and shown[-1]["newest"])

    wait_until(look, "the first published date")
    night.communicate("now\n", timeout=WAIT_SECONDS)
    assert night.returncode == 0
    wait_until(lambda: look() and command.poll() is not None and are_over(backfill), "the end of both")
    assert command.returncode == 0, backfill.said
    published = [row["newest"] for row in shown if row["newest"]]
    assert all(row["shown"] == (row["newest"] and [row["newest"]]) for row in shown)
    assert published == sorted(published)
    assert (published[0], published[-1]) == (FIRST, THIRD)
    runs = asked(backfill, "warehouse", "select * from segments.runs order by as_of_date")
    assert [(run["as_of_date"], run["status"]) for run in runs] == [
        (day, "published") for day in (FIRST, SECOND, THIRD)
    ]
    assert runs[2]["dag_run_id"] == f"scheduled__{due}"
    assert runs[2]["started_at"] < runs[1]["published_at"], "the night was to start before the backfill's end"

    stale = asked(backfill, "warehouse", "select * from segments.stale_dates")
    is_late = runs[2]["parent_run_id"] != runs[1]["run_id"]  # it had begun when the second date was published
    assert [row["as_of_date"] for row in stale] == [THIRD] * is_late
    if is_late:
        assert backfill.begin("--stale", "1").wait(WAIT_SECONDS) == 0, backfill.said
    assert backfill.rows() == one_by_one
