"""The UI of a running Airflow: a held night is decided there; the pages of a run are for who may see them."""

import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime

import jwt
import pytest

from segmentation.warehouse import db
from tests.local.test_up import (
    START_SECONDS,
    STOP_SECONDS,
    call,
    lines_until,
    wait_for_the_dag,
    wait_for_the_end,
)
from tests.machine import SMALL_SEARCH, Machine, machine_with

WAIT_SECONDS = 300
# A place where it is between 12:00 and 13:00 now: until 04:24 the night of 02:00 would come between the two.
NOON = (12 - datetime.now(UTC).hour + 12) % 24 - 12
SMALL = {
    "SEGMENTATION__SHOP__TIMEZONE": f"Etc/GMT{-NOON:+d}",
    "SEGMENTATION__SHOP__DEMO_CUSTOMERS": "200",
    **SMALL_SEARCH,
    "SEGMENTATION__QUALITY__WARN_CHANGED_SHARE": "0",
    "SEGMENTATION__QUALITY__MAX_CHANGED_SHARE": "0",
}


@pytest.fixture(scope="module")
def machine(prepared_shop) -> Iterator[Machine]:
    with machine_with(prepared_shop, "demo") as machine:
        yield machine


@pytest.fixture(scope="module")
def airflow(machine) -> Iterator[tuple[str, str]]:
    """The address of a running Airflow, and a token."""
    up = subprocess.Popen(
        machine.command("up"),
        env={**machine.environment, **SMALL},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        told = lines_until(up, "Ctrl-C", START_SECONDS)
        address = re.search(r"http://localhost:\d+", told)[0]
        password = re.search(r"log in as admin, password (\S+)", told)[1]
        token = call(f"{address}/auth/token", body={"username": "admin", "password": password})
        wait_for_the_dag(address, token["access_token"])
        yield address, token["access_token"]
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(STOP_SECONDS)


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
    """Until a task of a run is in a state."""
    deadline, seen = time.monotonic() + WAIT_SECONDS, None
    while time.monotonic() < deadline:
        seen = call(task, token)["state"]
        if seen == wanted:
            return
        assert seen not in ("failed", "upstream_failed", "skipped"), seen
        time.sleep(1)
    raise AssertionError(f"{task} is {seen}, not {wanted}")


def test_a_held_night_waits_in_the_ui_and_is_published_by_whoever_approves_it(machine, airflow):
    address, token = airflow
    runs = f"{address}/api/v2/dags/customer_segmentation/dagRuns"

    def trigger(day: str) -> str:
        made = call(runs, token, {"logical_date": None, "conf": {"as_of_date": day}})
        return f"{runs}/{made['dag_run_id']}"

    assert wait_for_the_end(trigger("2026-01-01"), token)["state"] == "success"
    held = trigger("2026-03-02")
    wait_for_the_state(f"{held}/taskInstances/approve", token, "awaiting_input")
    query = "select * from segments.runs where as_of_date = '2026-03-02'"
    with machine.warehouse("demo").connect(readonly=True) as conn:
        run = db.row(conn, query)
        assert str(db.scalar(conn, "select max(as_of_date) from segments.customer_segments")) == "2026-01-01"
    assert run["status"] == "held"
    details = f"{held}/taskInstances/approve/-1/hitlDetails"
    asked = call(details, token)
    assert "Publish the segments of 2026-03-02" in asked["subject"]
    assert "| from | to | customers |" in asked["body"]
    assert asked["defaults"] == ["Reject"]

    answer = {"chosen_options": ["Approve"], "params_input": {"note": "the sale explains it"}}
    patch(details, token, answer)
    assert wait_for_the_end(held, token)["state"] == "success"
    with machine.warehouse("demo").connect(readonly=True) as conn:
        released = db.row(conn, query)
        current = db.rows(conn, "select distinct run_id from segments.current_customer_segments")
    assert (released["run_id"], released["status"]) == (run["run_id"], "published")
    assert (released["decided_by"], released["decision_note"]) == ("admin", "the sale explains it")
    assert current == [{"run_id": run["run_id"]}]

    pages = f"{address}/segmentation"
    docs = f"{pages}/data_docs/2026-03-02/{run['run_id']}/segments.html"
    report = f"{pages}/2026-03-02/{run['run_id']}/report.html"
    links = call(f"{held}/taskInstances/publish/links", token)["extra_links"]
    assert links == {"Segments": f"{pages}/segments?date=2026-03-02", "Data Docs": docs, "Report": report}
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
        f"2026-03-02/{run['run_id']}/choice.json",
        f"2026-03-02/{run['run_id']}/profiles.parquet",
        "data_docs/2026-03-02/none/segments.html",
        "docs",
    ):
        assert get(f"{pages}/{path}", token)[0] == 404, path
        assert get(f"{pages}/{path}")[0] == 401, path


def patch(url: str, token: str, body: dict) -> None:
    """Answer a question of Airflow."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="PATCH")  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        assert answer.status == 200
