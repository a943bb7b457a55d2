"""Age of the newest published date, and its meaning: a night that never started is detected."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from segmentation.operations import status
from segmentation.runs import connections, register
from segmentation.settings import Settings
from segmentation.warehouse import db
from segmentation.warehouse.db import Database
from tests.machine import Machine

SETTINGS = Settings(shop={"timezone": "Asia/Shanghai"})
DAY, BEFORE = date(2026, 11, 23), date(2026, 11, 22)
MORNING = datetime(2026, 11, 22, 23, tzinfo=UTC)  # 07:00 of DAY in the shop


def publish(warehouse: Database, day: date) -> str:
    """A run that has published, in the register alone."""
    run_id = register.start(warehouse, SETTINGS, day, f"manual__{day}")
    with warehouse.connect() as conn:
        db.execute(
            conn,
            "update segments.runs set status = 'published', published_at = now() where run_id = %(r)s",
            {"r": run_id},
        )
    return run_id


# The newest published date, the hour of DAY in the shop, days allowed; days late, and whether it is fresh.
AGES = [
    pytest.param(DAY, 7, 0, 0, True, id="published in the night"),
    pytest.param(BEFORE, 5, 0, 0, True, id="the night may still come"),
    pytest.param(BEFORE, 6, 0, 1, False, id="the deadline has passed"),
    pytest.param(BEFORE, 7, 1, 1, True, id="a day is allowed"),
    pytest.param(date(2026, 11, 20), 5, 1, 2, False, id="older than allowed"),
    pytest.param(date(2026, 12, 1), 7, 0, 0, False, id="a date that has not begun"),
]


@pytest.mark.parametrize(("newest", "hour", "allowed", "late", "is_fresh"), AGES)
def test_a_date_is_expected_from_its_deadline_on(warehouse_db, newest, hour, allowed, late, is_fresh):
    publish(warehouse_db, newest)
    settings = Settings(shop={"timezone": "Asia/Shanghai"}, alerts={"max_days_late": allowed})
    now = datetime(2026, 11, 23, hour, tzinfo=settings.tz).astimezone(UTC)
    found = status.read(warehouse_db, settings, now)
    assert (found.newest, found.days_late, found.is_fresh) == (newest, late, is_fresh)


def test_a_night_that_never_started_is_old_and_the_first_line_says_so(warehouse_db):
    publish(warehouse_db, BEFORE)
    found = status.read(warehouse_db, SETTINGS, MORNING)
    assert found.incidents == []  # nobody could tell
    assert status.text(found, SETTINGS).startswith(
        "OLD  shop 'demo': the newest published date is 2026-11-22, 1 day old; 2026-11-23 was due at 06:00 "
        "(1 day late, allowed 0)\nWhat to do: docs/runbooks/never_started.md\n"
    )


def test_the_last_runs_and_the_open_incidents_are_listed(warehouse_db):
    publish(warehouse_db, BEFORE)
    failed = register.start(warehouse_db, SETTINGS, DAY, "scheduled__1")
    register.finish(warehouse_db, failed, "rejected", "check_sources: the sources gate stopped it\nmore")
    with warehouse_db.connect() as conn:
        for incident, title, delivered, recovered in (
            ("1", "it stopped", True, None),
            ("2", "it stopped too", False, None),
            ("3", "it is over", True, "now"),
        ):
            db.execute(
                conn,
                "insert into quality.alerts (incident, kind, as_of_date, delivered, text, recovered_at) "
                "values (%(i)s, 'gate', %(d)s, %(t)s, %(text)s, %(r)s::timestamptz)",
                {"i": incident, "d": DAY, "t": delivered, "text": f"{title}\n\nbody", "r": recovered},
            )
    said = status.text(status.read(warehouse_db, SETTINGS, MORNING), SETTINGS)
    assert "2026-11-23  rejected   started " in said
    assert ": check_sources: the sources gate stopped it\n" in said
    assert "2026-11-22  published  started " in said
    assert "told: it stopped" in said
    assert "NOBODY TOLD: it stopped too" in said
    assert "it is over" not in said
    assert "body" not in said


def test_a_warehouse_that_was_never_migrated_has_published_nothing(new_database):
    found = status.read(new_database(), SETTINGS, MORNING)
    assert found.is_new
    assert status.text(found, SETTINGS).startswith("NOTHING PUBLISHED")


def test_a_shop_whose_only_date_was_withdrawn_is_not_new_and_does_not_say_so(warehouse_db):
    """It was said that no date was ever published, and a health check of a new deployment took it for well."""
    run_id = publish(warehouse_db, DAY)
    with warehouse_db.connect() as conn:
        change = "update segments.runs set status = 'withdrawn', withdrawn_at = now() where run_id = %(r)s"
        db.execute(conn, change, {"r": run_id})
    found = status.read(warehouse_db, SETTINGS, MORNING)
    assert not found.is_new
    assert status.text(found, SETTINGS).startswith(
        "NOTHING PUBLISHED  shop 'demo': what was published is withdrawn"
    )


def ask(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    """The command as production runs it; what it imports of Airflow would be printed."""
    code = (
        "import sys; from segmentation import cli; code = cli.main(['status', *sys.argv[1:]]); "
        "print('AIRFLOW' if 'airflow' in sys.modules else '', end=''); sys.exit(code)"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEGM", "AIRFLOW"))}
    include = str(Path(__file__).parents[2] / "include")
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**kept, "PYTHONPATH": include, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_in_production_it_reads_the_connection_and_imports_no_airflow(warehouse_db):
    params = warehouse_db.params
    fields = {"host": params["host"], "port": params["port"], "login": params["user"]}
    conn = {"conn_type": "postgres", "schema": params["dbname"], **fields, "extra": {"sslmode": "prefer"}}
    environment = {"AIRFLOW_CONN_WAREHOUSE": json.dumps(conn)}

    new = ask(environment)
    assert (new.returncode, new.stdout[:17]) == (1, "NOTHING PUBLISHED")
    assert ask(environment, "--new-is-fine").returncode == 0

    publish(warehouse_db, date(2020, 1, 1))
    old = ask(environment, "--new-is-fine", "--quiet")
    assert (old.returncode, old.stdout[:3]) == (1, "OLD")
    assert "AIRFLOW" not in old.stdout

    publish(warehouse_db, datetime.now(Settings().tz).date())
    assert ask(environment).returncode == 0

    publish(warehouse_db, date(2999, 1, 1))
    to_come = ask(environment)
    assert (to_come.returncode, to_come.stdout[:13]) == (1, "IN THE FUTURE")
    assert "make withdraw AS_OF=2999-01-01" in to_come.stdout


def test_a_warehouse_that_does_not_answer_is_one_line(warehouse_db):
    asked = ask({"AIRFLOW_CONN_WAREHOUSE": '{"host": "localhost", "port": 1, "password": "pa55word"}'})
    assert asked.returncode == 2
    assert asked.stderr.startswith("error: the warehouse cannot be asked: ")
    assert len(asked.stderr.splitlines()) == 1
    assert "pa55word" not in asked.stderr
    assert ask({"AIRFLOW_CONN_WAREHOUSE": "{nonsense"}).returncode == 2


def test_the_connection_is_read_as_the_tasks_read_it(monkeypatch):
    extra = dict.fromkeys(db.KEPT_EXTRAS, "3") | {"sslmode": "prefer", "not_ours": "x", "keepalives": 0}
    conn = {"conn_type": "postgres", "host": "h", "port": 5432, "login": "u", "schema": "w", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(conn))
    ours, of_airflow = (
        connections.database_of("warehouse", read("warehouse"))
        for read in (connections.in_environment, connections.in_airflow)
    )
    assert ours == of_airflow
    assert set(db.KEPT_EXTRAS) < set(ours.params)
    assert ours.params["keepalives"] == 0  # which is no field left empty


def test_make_status_of_a_shop_that_never_ran_makes_nothing(tmp_path):
    asked = Machine(tmp_path).make("status", "--shop", "never")
    assert asked.returncode == 2
    assert "make run SHOP=never" in asked.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("ended_by", "says"),
    [("timeout", "timed out"), ("killed", "killed"), ("skipped", "skipped"), (None, "failed")],
)
def test_what_ended_a_run_is_told_apart(warehouse_db, ended_by, says):
    run_id = register.start(warehouse_db, SETTINGS, DAY, "scheduled")
    register.finish(warehouse_db, run_id, "failed", "why", ended_by)
    (line,) = [line for line in told(warehouse_db).splitlines() if line.startswith("Runs")]
    assert line.split("started")[0].split(None, 2)[2].strip() == says


@pytest.mark.parametrize("status_", ["held", "no_data"])
def test_a_run_that_waits_or_had_nothing_is_no_failure(warehouse_db, status_):
    register.finish(warehouse_db, register.start(warehouse_db, SETTINGS, DAY, "scheduled"), status_, "why")
    assert f"{DAY}  {status_}" in told(warehouse_db)


def test_a_dead_run_is_never_said_to_be_running(warehouse_db):
    """A killed process leaves its row behind; nobody says `running` of it who looks."""
    run_id = register.start(warehouse_db, SETTINGS, DAY, "scheduled")
    assert f"{DAY}  running" in told(warehouse_db)
    with warehouse_db.connect() as conn:
        db.execute(conn, "update segments.runs set heartbeat_at = now() - interval '20 minutes'")
    assert f"{DAY}  killed" in told(warehouse_db)
    with warehouse_db.connect(readonly=True) as conn:
        found = register.find(conn, run_id)
    assert (found.status, found.ended_by) == ("failed", "killed")
    assert found.verdict.startswith("no sign of life since 20")


def test_who_may_only_read_is_told_the_status_all_the_same(warehouse_db):
    publish(warehouse_db, DAY)
    options = "-c default_transaction_read_only=on"
    reading = Database("warehouse", {**warehouse_db.params, "options": options})
    assert told(reading).startswith("FRESH")


def told(warehouse: Database) -> str:
    return status.text(status.read(warehouse, SETTINGS, MORNING), SETTINGS)
