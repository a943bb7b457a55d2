"""Real nights: every part of Airflow as processes; a scheduled run, one of `make run`, one that is held and
decided in the UI, and one that a gate stops. The pages of a run are for who may see them.
"""

import hashlib
import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import jwt
import psutil
import pytest

from segmentation.local import postgres, services
from segmentation.runs import register
from segmentation.settings import Settings
from segmentation.warehouse import db, schema
from segmentation.warehouse.db import Database
from tests import browser as browsers
from tests.alerts import receivers
from tests.alerts.receivers import Hook, Mailbox, wait_until
from tests.browser import opened
from tests.machine import SMALL_SEARCH, Commands, Machine, Warm, machine_with

pytestmark = pytest.mark.story

# a machine that is busy with other things is waited for; nothing waits that is as it should be
START_SECONDS, RUN_SECONDS, STOP_SECONDS, ALERT_SECONDS = 600, 900, 180, 300

# A place where it is between 02:02 and 03:02 now: a night of 02:00 was due an hour ago at most, its deadline, too.
HOURS = (2 - (datetime.now(UTC) - timedelta(minutes=2)).hour + 12) % 24 - 12
PLACE = f"Etc/GMT{-HOURS:+d}"
TODAY = (datetime.now(UTC) + timedelta(hours=HOURS)).date()
SMALL = {
    **SMALL_SEARCH,
    # one is there, so that there is a task of an application; test_one_night.py has a night with all of them
    "SEGMENTATION__APPLICATIONS__OFF": '["campaigns", "forecasts", "prices", "recommendations"]',
    "SEGMENTATION__SHOP__DEMO_CUSTOMERS": "200",
    "SEGMENTATION__SHOP__TIMEZONE": PLACE,
    "SEGMENTATION__ALERTS__DEADLINE": "02:01",
    "SEGMENTATION__AUDIENCES__MIN_CUSTOMERS": "5",
    "SEGMENTATION__RUN__RETRY_SECONDS": "2",
    # no file of a DAG changes meanwhile
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
    # a night on which a customer moves is held; a date that follows none has none
    "SEGMENTATION__QUALITY__WARN_CHANGED_SHARE": "0",
    "SEGMENTATION__QUALITY__MAX_CHANGED_SHARE": "0",
}

IN_AIRFLOW = """
import subprocess, sys
from segmentation.local import home as homes
home = homes.find("", "", "", "")
environment = homes.airflow_environment(home, home.start_server())
subprocess.run([sys.executable, "-c", LOSE, *sys.argv[1:]], env=environment, check=True)
"""
# What the scheduler does when the word of a process that asked comes after its task was queued for the answer, or runs.
LOSE_THE_ANSWER = """
import sys
from datetime import UTC, datetime
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import make_transient
run, state = sys.argv[1:]
with create_session() as session:
    asking = (TaskInstance.run_id == run, TaskInstance.task_id == "approve")
    task = session.scalar(select(TaskInstance).where(*asking))
    detail = session.scalar(select(HITLDetail).where(HITLDetail.ti_id == task.id))
    detail.responded_at, detail.responded_by = datetime.now(UTC), {"id": "7", "name": "ana"}
    detail.chosen_options, detail.params_input = ["Approve"], {"note": f"at once, {state}"}
    task.state = state
    session.commit()
    session.refresh(task)
    if state == "queued":
        make_transient(task)  # as the scheduler does with a task that it has just queued
    task.handle_failure(f"the executor reported that it has finished, but it is {state}", session=session)
"""


@dataclass(frozen=True)
class Airflow:
    """A running `make up`."""

    machine: Machine
    commands: Commands
    process: subprocess.Popen
    address: str
    token: str
    mailbox: Mailbox
    hook: Hook

    password: str

    @property
    def runs(self) -> str:
        """Address of the DAG's runs in the API."""
        return f"{self.address}/api/v2/dags/customer_segmentation/dagRuns"

    def exports(self) -> list[dict]:
        """The runs of the DAG that exports audiences."""
        return call(f"{self.address}/api/v2/dags/audiences/dagRuns", self.token)["dag_runs"]

    def told(self, day: date) -> list[dict]:
        """Requests of a date that the HTTP endpoint got."""
        return [body for body in self.hook.bodies if body["title"].startswith(f"[demo] {day}:")]

    def mailed(self, day: date) -> dict[str, str]:
        """Mails of a date that the SMTP server got: texts by subject."""
        mails = {mail["subject"]: self.mailbox.text(mail) for mail in self.mailbox.mails}
        return {subject: text for subject, text in mails.items() if subject.startswith(f"[demo] {day}:")}


@pytest.fixture(scope="module")
def machine(prepared_shop) -> Iterator[Machine]:
    with machine_with(prepared_shop, "demo") as machine:
        yield machine


def call(url: str, token: str | None = None, body: dict | None = None) -> dict:
    """One request to Airflow's API."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def lines_until(process: subprocess.Popen, wanted: str, seconds: float) -> str:
    """Output of a process, up to the line that has `wanted` in it."""
    seen, deadline = "", time.monotonic() + seconds
    while time.monotonic() < deadline and (line := process.stdout.readline()):
        seen += line
        if wanted in line:
            return seen
    raise AssertionError(f"'{wanted}' was never printed:\n{seen}")


@pytest.fixture(scope="module")
def killed(machine, warm) -> list[str]:
    """Ids of the DAG runs that a `make run` has left which was killed in the middle of a task."""
    another = str(TODAY - timedelta(days=30))
    with Commands(machine, warm).run(
        ("run", "--as-of", another), {**machine.environment, **SMALL}
    ) as command:
        lines_until(command, "extract", RUN_SECONDS)
        processes = psutil.Process(command.pid).children(recursive=True)
        command.kill()
    psutil.wait_procs(processes, STOP_SECONDS)
    with metadata(machine).connect(readonly=True) as conn:
        runs = db.rows(conn, "select run_id, state from dag_run")
    assert [run["state"] for run in runs] == ["running"]
    return [run["run_id"] for run in runs]


@pytest.fixture(scope="module")
def airflow(machine, warm, killed) -> Iterator[Airflow]:
    """`make up` with receivers for its alerts; a scheduled night is due when it comes up."""
    with receivers.mailbox() as mailbox, receivers.hook() as hook:
        up = warm.popen(
            machine.command("up"),
            env={**machine.environment, **SMALL},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            told = lines_until(up, "Ctrl-C", START_SECONDS)
            address = re.search(r"http://localhost:\d+", told)[0]
            assert f"Segments:  {address}/segmentation/segments\n" in told
            password = re.search(r"log in as admin, password (\S+)", told)[1]
            who = {"username": "admin", "password": password}
            token = call(f"{address}/auth/token", body=who)["access_token"]
            # the receivers are in Airflow's own database, as in a deployment
            alerts = {"connection_id": "alerts", "conn_type": "generic"}
            receiving = {**alerts, "password": f"{mailbox.url} {hook.url}"}
            call(f"{address}/api/v2/connections", token, receiving)
            wait_for_the_dag(address, token)
            yield Airflow(machine, Commands(machine, warm), up, address, token, mailbox, hook, password)
        finally:
            if up.poll() is None:
                up.send_signal(signal.SIGINT)
                up.wait(STOP_SECONDS)


def test_a_first_up_makes_no_night_that_nobody_asked_for(airflow, killed):
    """A night of before the installation is not due, and its deadline is nobody's. One that was killed has ended."""
    runs = call(airflow.runs, airflow.token)["dag_runs"]
    assert [(run["dag_run_id"], run["state"]) for run in runs] == [(run_id, "failed") for run_id in killed]
    assert airflow.told(TODAY) == []


@pytest.fixture(scope="module")
def due(airflow) -> str:
    """The scheduled night of 02:00 today, of a deployment that was there before; returns its DAG run.

    Airflow's own database and the register say that it was: a first `make up` makes no night of a time past.
    """
    target = airflow.machine.warehouse("demo")
    schema.migrate(target)
    register.finish(
        target, register.start(target, Settings(), date(2026, 1, 1), "before"), "failed", "before"
    )
    with target.connect() as conn:
        db.execute(conn, "update segments.runs set started_at = started_at - interval '1 day'")
    instant = datetime.combine(TODAY, datetime.min.time(), UTC) + timedelta(hours=2 - HOURS)
    query = """
        update dag
        set
            next_dagrun = %(at)s, next_dagrun_create_after = %(at)s,
            next_dagrun_data_interval_start = %(at)s, next_dagrun_data_interval_end = %(at)s
        where dag_id = 'customer_segmentation'
    """
    with metadata(airflow.machine).connect() as conn:
        db.execute(conn, query, {"at": instant})
    wait_until(lambda: bool(scheduled(airflow)), START_SECONDS, "a scheduled run")
    return scheduled(airflow)[0]


def scheduled(airflow: Airflow) -> list[str]:
    """The DAG runs that the scheduler has made by itself."""
    runs = call(airflow.runs, airflow.token)["dag_runs"]
    return [run["dag_run_id"] for run in runs if run["run_type"] == "scheduled"]


def test_a_night_that_is_late_is_told_and_told_again_when_it_is_published(airflow, due):
    ended = wait_for_the_end(f"{airflow.runs}/{due}", airflow.token)
    assert ended["state"] == "success", failures(f"{airflow.runs}/{due}", airflow.token)
    wait_until(lambda: len(airflow.told(TODAY)) == 2, ALERT_SECONDS, "two messages")
    late, recovered = airflow.told(TODAY)
    assert late["title"] == f"[demo] {TODAY}: not published by 02:01"
    assert "nothing was published before" in late["message"]
    assert f"make run SHOP=demo AS_OF={TODAY}" in late["message"]
    assert recovered["title"] == f"[demo] {TODAY}: recovered, published after all"
    assert set(airflow.mailed(TODAY)) == {late["title"], recovered["title"]}

    events = call(f"{airflow.address}/api/v2/assets/events", airflow.token)["asset_events"]
    assert [event["extra"]["as_of_date"] for event in events] == [str(TODAY)]
    status = airflow.commands.make("status", **SMALL)
    assert status.returncode == 0, status.stdout
    assert status.stdout.startswith(f"FRESH  shop 'demo': the newest published date is {TODAY}, 0 days old")
    assert "Incidents  none open" in status.stdout


def test_the_audiences_of_the_newest_date_follow_its_publication_by_themselves(airflow):
    wait_until(lambda: bool(airflow.exports()), START_SECONDS, "a run of the audiences")
    (export,) = airflow.exports()
    assert export["run_type"] == "asset_triggered"
    place = f"{airflow.address}/api/v2/dags/audiences/dagRuns/{export['dag_run_id']}"
    assert wait_for_the_end(place, airflow.token)["state"] == "success", failures(place, airflow.token)
    folder = airflow.machine.folder / "demo" / "artifacts" / "audiences"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["as_of_date"] == str(TODAY)
    exported = [audience for audience in manifest["audiences"] if "files" in audience]
    assert exported
    for audience in exported:
        assert {Path(file["path"]).suffix for file in audience["files"]} == {".csv", ".parquet"}
        for file in audience["files"]:
            content = (folder / file["path"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"]


def test_a_click_on_the_task_that_published_leads_to_the_page_of_the_date(airflow, due):
    task = f"/dags/customer_segmentation/runs/{quote(due)}/tasks/publish/details"
    with browsers.running() as browser, opened(browser, f"{airflow.address}{task}") as (page, _):
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(airflow.password)
        page.get_by_role("button", name="Sign in").click()
        link = page.get_by_role("link", name="Segments", exact=True).and_(page.locator("[href*=date]"))
        link.click(timeout=1000 * ALERT_SECONDS)
        page.wait_for_url(f"**/segmentation/segments?date={TODAY}")
        assert page.locator("article.card").count() >= 1
        assert f"{TODAY.day} {TODAY:%B %Y}" in page.locator(".eyebrow").inner_text()


def test_a_night_of_make_run_is_made_by_the_scheduler_that_runs(airflow):
    """It took the tasks of the other's run, and both failed; now one works, and the other follows it.

    The run is triggered through the API, with parameters, as a person does it in the UI.
    """
    day = "2026-03-02"  # nothing published before it, that it could differ from
    newest = published(airflow.machine, TODAY)
    ran = airflow.commands.make("run", "--as-of", day, "--algorithm", "kmeans", **SMALL)
    assert ran.returncode == 0, ran.stdout
    assert "the scheduler of `make up` makes it" in ran.stdout
    assert "publish: success" in ran.stdout and "PUBLISHED" in ran.stdout
    (run,) = [r for r in call(airflow.runs, airflow.token)["dag_runs"] if "make_run" in r["dag_run_id"]]
    assert run["state"] == "success", failures(f"{airflow.runs}/{run['dag_run_id']}", airflow.token)
    assert run["conf"]["algorithms"] == ["kmeans"]
    with airflow.machine.warehouse("demo").connect(readonly=True) as conn:
        (row,) = db.rows(
            conn, "select dag_run_id, status, counts from segments.runs where as_of_date = %(d)s", {"d": day}
        )
        query = "select count(*) from segments.customer_segments where as_of_date = %(d)s"
        customers = db.scalar(conn, query, {"d": day})
        current = db.rows(conn, "select distinct as_of_date from segments.current_customer_segments")
    assert published(airflow.machine, TODAY) == newest, "an earlier date changes no later one"
    assert current == [{"as_of_date": TODAY}], "nor what is newest"
    assert (row["status"], row["dag_run_id"]) == ("published", run["dag_run_id"])
    assert customers == row["counts"]["customers"] > 100
    assert airflow.told(date(2026, 3, 2)) == []
    assert len(airflow.exports()) == 1, "an older date exports nothing"
    other = airflow.commands.make("run", "--as-of", day, **{**SMALL, "SEGMENTATION__MODEL__SEED": "5"})
    assert other.returncode == 2
    assert "run with other settings (SEGMENTATION__MODEL__SEED)" in other.stdout


def published(machine: Machine, day: date) -> list[list[dict]]:
    """The rows of a date that readers see."""
    with machine.warehouse("demo").connect(readonly=True) as conn:
        return [
            db.rows(
                conn, f"select * from segments.{table} where as_of_date = %(d)s order by 1, 2", {"d": day}
            )
            for table in ("customer_segments", "segment_versions")
        ]


@pytest.fixture(scope="module")
def held(airflow) -> str:
    """The DAG run of a night that waits for a decision."""
    made = call(airflow.runs, airflow.token, {"logical_date": None, "conf": {"as_of_date": "2026-06-10"}})
    wait_for_the_state(
        f"{airflow.runs}/{made['dag_run_id']}/taskInstances/approve", airflow.token, "awaiting_input"
    )
    return made["dag_run_id"]


def test_a_held_night_waits_in_the_ui_and_is_published_by_whoever_approves_it(airflow, warm, held):
    """The scheduler took the end of the process that had asked for that of the one that carries the answer out,
    where that was given at once: it is not asked for again.
    """
    address, token, machine, name = airflow.address, airflow.token, airflow.machine, held
    held = f"{airflow.runs}/{name}"
    query = "select * from segments.runs where as_of_date = '2026-06-10'"
    assigned = "select distinct run_id from segments.customer_segments where as_of_date = '2026-06-10'"
    with machine.warehouse("demo").connect(readonly=True) as conn:
        run = db.row(conn, query)
        assert db.rows(conn, assigned) == []
    assert run["status"] == "held"
    details = f"{held}/taskInstances/approve/-1/hitlDetails"
    asked = call(details, token)
    assert "Publish the segments of 2026-06-10" in asked["subject"]
    assert "| from | to | customers |" in asked["body"]
    assert asked["defaults"] == ["Reject"]

    answer_and_lose(airflow, warm, name, "queued")
    assert wait_for_the_end(held, token)["state"] == "success", failures(held, token)
    assert decision(airflow, name) == {"by": "ana", "note": "at once, queued"}
    with machine.warehouse("demo").connect(readonly=True) as conn:
        released = db.row(conn, query)
        shown = db.rows(conn, assigned)
    assert (released["run_id"], released["status"]) == (run["run_id"], "published")
    assert (released["decided_by"], released["decision_note"]) == ("ana", "at once, queued")
    assert shown == [{"run_id": run["run_id"]}]

    pages = f"{address}/segmentation"
    docs = f"{pages}/data_docs/2026-06-10/{run['run_id']}/segments.html"
    report = f"{pages}/2026-06-10/{run['run_id']}/report.html"
    links = call(f"{held}/taskInstances/publish/links", token)["extra_links"]
    assert links == {"Segments": f"{pages}/segments?date=2026-06-10", "Data Docs": docs, "Report": report}
    status, _, body = get(links["Segments"], token)
    assert (status, "customer segments" in body or "One segment" in body) == (200, True)
    for page in (docs, report, f"{pages}/data_docs/index.html", f"{pages}/report.html"):
        status, headers, body = get(page, token)
        assert (status, body[:15].lower()) == (200, "<!doctype html>"), page
        assert headers["content-type"].startswith("text/html")
        assert headers["x-content-type-options"] == "nosniff"
        assert "sandbox allow-scripts" in headers["content-security-policy"]
        assert get(page)[0] == 401
        assert get(page, without_a_role(machine, token))[0] == 403
        assert get(page, Cookie=f"_token={token}")[0] == 200, "the browser sends a cookie"
    for path in (
        "data_docs/../../../../etc/passwd",
        "data_docs/%2e%2e/%2e%2e/airflow/secrets.json",
        "data_docs/..%2f..%2fairflow%2fsecrets.json",
        f"2026-06-10/{run['run_id']}/choice.json",
        f"2026-06-10/{run['run_id']}/profiles.parquet",
        "data_docs/2026-06-10/none/segments.html",
    ):
        assert get(f"{pages}/{path}", token)[0] == 404, path
        assert get(f"{pages}/{path}")[0] == 401, path
    assert (get(f"{pages}/docs", token)[0], get(f"{pages}/docs")[0]) == (200, 401)


def test_what_is_asked_again_is_answered_in_the_ui_or_at_once_and_changes_no_publication(airflow, warm, held):
    """Somebody clears the task of the published night, twice; the second answer is lost while it is carried out."""
    place, token = f"{airflow.runs}/{held}", airflow.token
    ask_again(airflow, held)
    answer = {"chosen_options": ["Approve"], "params_input": {"note": "the sale explains it"}}
    patch(f"{place}/taskInstances/approve/-1/hitlDetails", token, answer)
    assert wait_for_the_end(place, token)["state"] == "success"
    assert decision(airflow, held) == {"by": "admin", "note": "the sale explains it"}

    ask_again(airflow, held)
    answer_and_lose(airflow, warm, held, "running")
    assert wait_for_the_end(place, token)["state"] == "success"
    assert decision(airflow, held) == {"by": "ana", "note": "at once, running"}
    tries = call(f"{place}/taskInstances/approve/tries", token)["task_instances"]
    assert [one["state"] for one in tries[-2:]] == ["failed", "success"], (
        "one that was running is in the history"
    )
    with airflow.machine.warehouse("demo").connect(readonly=True) as conn:
        run = db.row(conn, "select * from segments.runs where as_of_date = '2026-06-10'")
    assert (run["status"], run["decided_by"], run["decision_note"]) == ("published", "ana", "at once, queued")


def ask_again(airflow: Airflow, dag_run_id: str) -> None:
    """Clear `approve`, and wait until it asks."""
    clear = f"{airflow.address}/api/v2/dags/customer_segmentation/clearTaskInstances"
    how = {"dag_run_id": dag_run_id, "task_ids": ["approve"], "only_failed": False, "dry_run": False}
    call(clear, airflow.token, how)
    wait_for_the_state(f"{airflow.runs}/{dag_run_id}/taskInstances/approve", airflow.token, "awaiting_input")


def decision(airflow: Airflow, dag_run_id: str) -> dict[str, str]:
    """The decision that `approve` handed on."""
    task = f"{airflow.runs}/{dag_run_id}/taskInstances/approve"
    return call(f"{task}/xcomEntries/return_value", airflow.token)["value"]


def answer_and_lose(airflow: Airflow, warm: Warm, dag_run_id: str, state: str) -> None:
    """Answer what `approve` asks, and have the scheduler lose the process that carries it out."""
    lose = [sys.executable, "-W", "ignore", "-c", f"LOSE = {LOSE_THE_ANSWER!r}\n{IN_AIRFLOW}"]
    lost = warm.run([*lose, dag_run_id, state], env={**airflow.machine.environment, **SMALL})
    assert lost.returncode == 0, lost.stderr


def test_a_gate_that_stops_a_night_is_told_once_to_every_receiver(airflow):
    day = TODAY - timedelta(days=1)
    with shop(airflow.machine).connect() as conn:  # of the days that are read again, nothing is left
        db.execute(conn, "delete from demo.orders where ordered_at >= now() - interval '60 days'")
    # by hand, with a logical date of long ago: its deadline has passed, and that is no reason for an alert
    body = {"logical_date": "2026-01-01T02:00:00Z", "conf": {"as_of_date": str(day)}}
    run = call(airflow.runs, airflow.token, body)
    ended = wait_for_the_end(f"{airflow.runs}/{run['dag_run_id']}", airflow.token)
    assert ended["state"] == "failed"
    wait_until(lambda: bool(airflow.told(day)), ALERT_SECONDS, "the alert")
    wait_until(
        lambda: deadline_of(airflow.machine, run["dag_run_id"]) == "success", ALERT_SECONDS, "a deadline"
    )

    (message,) = airflow.told(day)
    ((subject, mail),) = airflow.mailed(day).items()
    assert subject == message["title"] == f"[demo] {day}: bad data, the sources gate stopped the night"
    assert mail.split() == message["message"].split()
    with airflow.machine.warehouse("demo").connect(readonly=True) as conn:
        row = db.row(conn, "select * from segments.runs where dag_run_id = %(id)s", {"id": run["dag_run_id"]})
        (recorded,) = db.rows(conn, "select * from quality.alerts where as_of_date = %(d)s", {"d": day})
        published = db.scalar(conn, "select max(as_of_date) from segments.current_customer_segments")
    assert row["status"] == "rejected"
    assert published == TODAY
    assert (recorded["kind"], recorded["run_id"]) == ("gate", row["run_id"])
    assert (recorded["delivered"], recorded["error"]) == (True, None)
    for part in (
        "orders: number of rows of the days read",
        f"the segments of {TODAY} stay published",
        f"Look: {airflow.address}/dags/customer_segmentation/runs/{quote(run['dag_run_id'])}/tasks/",
        f"Run it again: make run SHOP=demo AS_OF={day}",
        "What to do: docs/runbooks/gate.md",
        row["run_id"],
    ):
        assert part in message["message"], part
    status = airflow.commands.make("status", **SMALL)
    assert f"told: {subject}" in status.stdout


def test_a_logical_date_that_is_to_come_ends_the_run_at_once_and_keeps_no_night_waiting(airflow):
    """Airflow begins none of its tasks before that date: it stayed the one run that may be active for hours."""
    made = call(airflow.runs, airflow.token, {"logical_date": "2099-03-01T12:00:00Z"})
    run = f"{airflow.runs}/{quote(made['dag_run_id'])}"
    ended = "the end of the run"
    wait_until(lambda: call(run, airflow.token)["state"] == "failed", ALERT_SECONDS, ended)
    wait_until(lambda: bool(airflow.told(date(2099, 3, 1))), ALERT_SECONDS, "the alert")
    (told,) = airflow.told(date(2099, 3, 1))
    assert "logical date 2099-03-01 12:00:00+00:00 is in the future" in told["message"]


def test_nothing_of_it_listens_on_another_address(airflow):
    family = psutil.Process(airflow.process.pid).children(recursive=True)
    listening = set()
    for process in family:
        with suppress(psutil.NoSuchProcess):  # a worker whose task has ended
            listening |= {
                one.laddr.ip for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN
            }
    assert len(family) > 8, "parts, and workers of the scheduler"
    assert listening == {"127.0.0.1"}


def test_two_shops_that_come_up_at_once_take_two_ports(machine):
    """Nobody listens yet on the port that the first has chosen."""
    number, reserved = services.reserve_port("")
    ask = "from segmentation.local import services; print(services.reserve_port('')[0])"
    command = [sys.executable, "-W", "ignore", "-c", ask]
    other = subprocess.run(command, env=machine.environment, capture_output=True, text=True, check=True)
    assert int(other.stdout) != number  # a lower one, where another shop has left that meanwhile
    asked_for = [*command[:-1], ask.replace("('')", f"('{number}')")]
    refused = subprocess.run(asked_for, env=machine.environment, capture_output=True, text=True, check=False)
    reserved.release()
    assert f"PORT={number}: in use" in refused.stderr


def test_ctrl_c_stops_everything(airflow):
    airflow.process.send_signal(signal.SIGINT)
    airflow.process.wait(STOP_SECONDS)
    assert airflow.process.returncode == 0
    with pytest.raises(OSError):  # nobody listens any more
        call(f"{airflow.address}/api/v2/monitor/health")


def get(url: str, token: str | None = None, **headers: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body."""
    sent = headers | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=sent), timeout=30) as answer:  # noqa: S310
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def without_a_role(machine: Machine, token: str) -> str:
    """A token as the server signs them, of somebody who may do nothing."""
    secrets = json.loads((machine.folder / "demo" / "airflow" / "secrets.json").read_text())
    claims = jwt.decode(token, options={"verify_signature": False})
    header = jwt.get_unverified_header(token)
    secret = secrets["AIRFLOW__API_AUTH__JWT_SECRET"]
    return jwt.encode({**claims, "sub": "nobody", "role": None}, secret, header["alg"], header)


def wait_for_the_state(task: str, token: str, wanted: str) -> None:
    """Wait until a task of a run is in a state."""
    deadline, seen = time.monotonic() + RUN_SECONDS, None
    while time.monotonic() < deadline:
        seen = call(task, token)["state"]
        if seen == wanted:
            return
        assert seen not in ("failed", "upstream_failed", "skipped"), seen
        time.sleep(1)
    raise AssertionError(f"{task} is {seen}, not {wanted}")


def patch(url: str, token: str, body: dict) -> None:
    """Answer a question of Airflow."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="PATCH")  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        assert answer.status == 200


def shop(machine: Machine) -> Database:
    """The database of the demo shop."""
    return postgres.database(postgres.start(machine.folder / "demo" / "postgres"), "shop")


def metadata(machine: Machine) -> Database:
    """Airflow's own database."""
    return postgres.database(postgres.start(machine.folder / "demo" / "postgres"), "airflow")


def deadline_of(machine: Machine, dag_run_id: str) -> str | None:
    """Outcome of the callback of a missed deadline."""
    query = (
        "select c.state from deadline as d join callback as c on c.id = d.callback_id "
        "join dag_run as r on r.id = d.dagrun_id where r.run_id = %(id)s and d.missed"
    )
    with metadata(machine).connect(readonly=True) as conn:
        return db.scalar(conn, query, {"id": dag_run_id})


def wait_for_the_dag(address: str, token: str) -> None:
    """Wait until the dag processor has parsed the DAG."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        dags = call(f"{address}/api/v2/dags", token)["dags"]
        if any(dag["dag_id"] == "customer_segmentation" for dag in dags):
            return
        time.sleep(1)
    raise AssertionError("the DAG was never parsed")


def wait_for_the_end(run: str, token: str) -> dict:
    """The DAG run, once it has ended."""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        found = call(run, token)
        if found["state"] in ("success", "failed"):
            return found
        time.sleep(1)
    raise AssertionError(f"the run has not ended after {RUN_SECONDS} s: {found['state']}")


def failures(run: str, token: str) -> list[tuple[str, str]]:
    """The tasks of a run that are not green."""
    tasks = call(f"{run}/taskInstances", token)["task_instances"]
    return [(task["task_id"], task["state"]) for task in tasks if task["state"] != "success"]
