"""A backfill under the real scheduler: killed, made by Airflow's own command, with a night in the middle."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import psutil
import psycopg2
import pytest

from segmentation.local import postgres
from segmentation.warehouse import db
from tests.faults.kills import FIRST, QUICK, RELATIONS, SHOP, Backfill
from tests.machine import Commands, Machine, machine_with, started_by

pytestmark = pytest.mark.story

SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
ZONE = ZoneInfo(QUICK["SEGMENTATION__SHOP__TIMEZONE"])
WAIT_SECONDS, STOP_SECONDS = 600, 180
# As the scheduler makes the run of a night.
NIGHT = """
import sys
from datetime import datetime
from airflow.api.common.trigger_dag import trigger_dag
from airflow.utils.types import DagRunTriggeredByType, DagRunType
due = datetime.fromisoformat(sys.argv[1])
name = f"scheduled__{due.isoformat()}"
how = {"triggered_by": DagRunTriggeredByType.TIMETABLE, "run_type": DagRunType.SCHEDULED}
trigger_dag("customer_segmentation", run_after=due, run_id=name, **how)
"""
PUBLISHED = "select * from segments.runs where status = 'published' order by as_of_date, published_at"
# Airflow's own command line
AIRFLOW = "from airflow.__main__ import main; main()"


@pytest.fixture(scope="module")
def shop(prepared_shop, warm) -> Iterator[Backfill]:
    with machine_with(prepared_shop, SHOP) as machine:
        yield Backfill(machine, dates=2, popen=warm.popen)


@pytest.fixture(scope="module")
def commands(shop, warm) -> Commands:
    return Commands(shop.machine, warm)


@pytest.fixture(scope="module")
def one_by_one(shop, commands) -> dict[str, list[str]]:
    """The rows after three nights that `make run` makes, one by one."""
    for day in (FIRST, SECOND, THIRD):
        words = ("run", "--shop", SHOP, "--source", "demo", "--customers", str(shop.customers), "--as-of")
        ran = commands.make(*words, str(day), **QUICK)
        assert ran.returncode == 0, ran.stdout
    return shop.rows()


@pytest.fixture(scope="module")
def backfill(shop, one_by_one) -> Iterator[Backfill]:
    """The same shop before any night, with Airflow up; while that is up `make run` would leave nights to it."""
    shop.forget()
    with shop.services():
        yield shop


def wait_until(is_so: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not within {WAIT_SECONDS} s"
        time.sleep(0.4)


def asked(backfill: Backfill, database: str, query: str) -> list[dict]:
    """The answer to a question; the connection is kept, which costs more than a question."""
    try:
        return db.rows(connection(backfill.machine, database), query)
    except psycopg2.OperationalError:  # the database was dropped since
        connection.cache_clear()
        return db.rows(connection(backfill.machine, database), query)


@cache
def connection(machine: Machine, database: str) -> psycopg2.extensions.connection:
    server = postgres.start(machine.folder / SHOP / "postgres")
    made = psycopg2.connect(**postgres.database(server, database, create=False).params)
    made.set_session(readonly=True, autocommit=True)
    return made


def are_over(backfill: Backfill) -> bool:
    """True where every run that Airflow has made has ended."""
    query = "select from dag_run where state in ('queued', 'running')"
    return not asked(backfill, "airflow", query)


def is_noted(backfill: Backfill) -> bool:
    """True where Airflow has noted the end of each backfill: some seconds late, and it makes no other before."""
    return bool(asked(backfill, "airflow", "select from backfill having count(*) = count(completed_at)"))


def test_killed_tasks_and_a_night_in_the_middle_of_a_backfill_change_no_row(backfill, commands, one_by_one):
    """Two tasks of the first date are killed; the night of the third begins while the second is made."""
    due = (datetime.combine(THIRD, datetime.min.time(), ZONE) + timedelta(hours=2)).isoformat()
    command, shown = backfill.begin(), []
    assert backfill.kill_tasks(command, 2) == 2, backfill.said
    newest = (
        "select (select max(as_of_date) from segments.runs where status = 'published') as newest, "
        "array_agg(distinct as_of_date) as shown from segments.current_customer_segments"
    )

    def look() -> bool:
        if asked(backfill, "warehouse", "select where to_regclass('segments.runs') is not null"):
            shown.extend(asked(backfill, "warehouse", newest))
        return bool(shown and shown[-1]["newest"])

    wait_until(look, "the first published date")
    commands.do(NIGHT, due, environment=backfill.airflow)
    wait_until(lambda: look() and command.poll() is not None and are_over(backfill), "the end of both")
    assert command.returncode == 0, backfill.said
    assert f"1/2  {FIRST}  published" in backfill.said
    assert f"BACKFILL  {FIRST} to {SECOND}: 2 published" in backfill.said
    published = [row["newest"] for row in shown if row["newest"]]
    assert all(row["shown"] == (row["newest"] and [row["newest"]]) for row in shown)
    assert published == sorted(published)
    assert (published[0], published[-1]) == (FIRST, THIRD)
    # a task that was killed when it had begun its run begins another
    runs = asked(backfill, "warehouse", PUBLISHED)
    assert [run["as_of_date"] for run in runs] == [FIRST, SECOND, THIRD]
    assert runs[2]["dag_run_id"] == f"scheduled__{due}"
    assert runs[2]["started_at"] < runs[1]["published_at"], "the night was to start before the backfill's end"

    stale = asked(backfill, "warehouse", "select * from segments.stale_dates")
    is_late = runs[2]["parent_run_id"] != runs[1]["run_id"]  # it had begun when the second date was published
    assert [row["as_of_date"] for row in stale] == [THIRD] * is_late
    assert all(one_by_one[table] for table in RELATIONS[:3])
    assert sum(f'"as_of_date": "{FIRST}"' in row for row in one_by_one["segments.customer_segments"]) > 50
    assert is_late or backfill.rows() == one_by_one


def test_a_backfill_by_airflows_own_command_comes_to_the_rows_of_make_run(backfill, commands, one_by_one):
    """Of the last date again; where its night has begun too early, it follows the second date only now."""
    wait_until(lambda: is_noted(backfill), "the end of the backfill before")
    midnight = datetime.combine(THIRD, datetime.min.time(), ZONE)
    create = ["backfill", "create", "--dag-id", "customer_segmentation", "--max-active-runs", "1"]
    create += ["--from-date", midnight.isoformat()]
    create += ["--to-date", (midnight + timedelta(days=1, seconds=-1)).isoformat()]
    commands.do(AIRFLOW, *create, environment=backfill.airflow)
    wait_until(lambda: are_over(backfill), "the end of the backfill of Airflow's own")
    runs = asked(backfill, "warehouse", PUBLISHED)
    assert runs[-1]["as_of_date"] == THIRD
    assert runs[-1]["dag_run_id"].startswith("backfill__"), "the newest is of this backfill"
    assert asked(backfill, "warehouse", "select * from segments.stale_dates") == []
    assert backfill.rows() == one_by_one


def test_a_dry_run_names_the_dates_and_makes_none(backfill):
    runs = "select run_id from segments.runs order by run_id"
    before = asked(backfill, "warehouse", runs)
    fourth = THIRD + timedelta(days=1)
    words = ("--from", str(FIRST), "--to", str(fourth), "--dry-run", "1")
    assert backfill.begin(*words).wait(WAIT_SECONDS) == 0, backfill.said
    assert f"would make 1 date\n  {fourth}\n" in backfill.said  # the others are published
    assert asked(backfill, "warehouse", runs) == before


def test_what_a_killed_scheduler_and_a_killed_command_leave_behind_ends(backfill):
    """Two hours later workers were idle still, and a server of logs listened on every address."""
    others = [*started_by(backfill.process.pid)]
    parts = started_by(backfill.process.pid, recursive=False)
    (scheduler,) = [part for part, line in parts.items() if "segmentation.pipeline.warm" in line]
    wait_until(lambda: len(scheduler.children(recursive=True)) >= 8, "the workers")
    workers = scheduler.children(recursive=True)
    scheduler.kill()
    _, alive = psutil.wait_procs(workers, STOP_SECONDS)
    assert alive == [], "the workers of a killed scheduler"
    backfill.process.kill()
    backfill.process.wait()
    _, alive = psutil.wait_procs(others, STOP_SECONDS)
    assert alive == [], "the parts of a killed command"
