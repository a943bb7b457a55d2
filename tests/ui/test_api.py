"""The pages and the API of the UI on a real api-server: who may, what is said, what its document promises."""

import re
import subprocess
import sys
from dataclasses import replace
from urllib.parse import urlencode

import psycopg2
import pytest

from segmentation import ui
from segmentation.publishing import packed_assignments
from segmentation.warehouse import db
from tests.report import sample
from tests.ui.conftest import EARLIER, Server

BODY = {"id": "c00100"}


@pytest.fixture(scope="module")
def routes() -> list[tuple[str, str]]:
    """Every route there is, from the app itself, with something in the place of what varies."""
    filled = {"name": "page.css", "path": "report.html", "campaign_id": "spring", "audience_id": "best"}
    return [
        (method, re.sub(r"\{(\w+)(:\w+)?\}", lambda found: filled[found[1]], route.path).lstrip("/"))
        for route in ui.make().routes
        for method in sorted(route.methods)
    ]


def test_every_route_refuses_whoever_has_no_token_and_whoever_has_no_right(server: Server, routes):
    assert len(routes) >= 21
    for method, path in routes:
        body = BODY if method == "POST" else None
        assert server.ask_as(None, path, method, body).status == 401, (method, path)
        assert server.ask_as("no.such.token", path, method, body).status == 403, (method, path)
        assert server.ask_as(server.nobody, path, method, body).status == 403, (method, path)
    # a browser that asks for a page is sent to log in, and comes back to what it wanted; not so for the API
    html = {"Accept": "text/html,application/xhtml+xml"}
    for token, status in ((None, 307), ("no.such.token", 307), (server.nobody, 403)):
        answer = server.ask_as(token, "movement?to=2025-06-01", **html)
        assert answer.status == status
        if status == 307:
            wanted = "/segmentation/movement?to=2025-06-01"
            assert answer.headers["location"] == f"/api/v2/auth/login?{urlencode({'next': wanted})}"
    assert "You may not see this" in answer.text
    for path in ("api/v1/dates", "openapi.json", "static/page.css"):
        assert server.ask_as(None, path, **html).status == 401
    # where there is no route nothing is told either
    assert server.ask_as(None, "no/such/page").status == 401
    assert server.ask("no/such/page").status == 404


def test_what_is_not_there_is_a_page_for_a_person_and_json_for_a_program(server: Server):
    for path, status, said in (
        ("segments?date=1999-01-01", 404, "nothing of 1999-01-01 is published"),
        ("segments?date=soon", 422, "A date is written 2026-12-31"),
        ("no/such/page", 404, "There is nothing here"),
    ):
        person = server.ask_as(server.token, path, Accept="text/html")
        assert (person.status, said in person.text) == (status, True), person.text
        assert "default-src 'none'" in person.headers["content-security-policy"]
        program = server.ask(path)
        assert (program.status, "detail" in program.json) == (status, True)


def test_every_page_forbids_what_it_does_not_need(server: Server):
    for tab in (
        "segments",
        "history",
        "movement",
        "applications",
        "choice",
        "quality",
        "customer",
        "audiences",
    ):
        answer = server.ask(tab)
        assert answer.status == 200, (tab, answer.text)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert not re.search(r"https?://|<script>|style=|onclick", answer.text), tab
    assert server.ask("").headers["location"] == "segments"


def test_dates_are_paged(server: Server):
    first = server.ask("api/v1/dates?limit=2").json
    assert (first["total"], [item["as_of_date"] for item in first["items"]]) == (
        3,
        ["2025-06-01", "2025-05-31"],
    )
    assert [i["as_of_date"] for i in server.ask("api/v1/dates?limit=2&offset=2").json["items"]] == [
        str(EARLIER)
    ]
    assert server.ask("api/v1/dates?offset=9").json["items"] == []
    assert server.ask("api/v1/dates?limit=501").status == 422


def test_segments_of_a_date_are_what_is_published(server: Server):
    found = server.ask(f"api/v1/segments?date={sample.BEFORE}").json
    with server.machine.warehouse("demo").connect(readonly=True) as conn:
        rows = db.rows(
            conn,
            "select segment_id, customers from segments.segment_versions where as_of_date = %(d)s "
            "order by revenue_365d desc",
            {"d": sample.BEFORE},
        )
    assert [(i["segment_id"], i["customers"]) for i in found["items"]] == [tuple(r.values()) for r in rows]
    assert found["currency"] == "GBP"
    card = found["items"][0]
    assert card["playbook"][0]["title"] == "Reward"
    assert len(card["products"]) == 5
    assert card["features"][0]["effect"] > 0.35
    assert server.ask("api/v1/segments?date=1999-01-01").json == {
        "detail": "nothing of 1999-01-01 is published"
    }


def test_movement_between_neighbours_is_the_record_and_between_others_a_comparison(server: Server):
    recorded = server.ask("api/v1/movement").json
    assert (recorded["first"], recorded["second"]) == (str(sample.BEFORE), str(sample.TODAY))
    assert all(flow["revenue_365d"] is not None for flow in recorded["flows"])
    computed = server.ask(f"api/v1/movement?from={EARLIER}&to={sample.TODAY}").json
    with server.machine.warehouse("demo").connect(readonly=True) as conn:
        moved, compared = db.row(
            conn,
            "select count(*) filter (where a.segment_id <> b.segment_id) as moved, count(*) as compared "
            "from segments.customer_segments as a inner join segments.customer_segments as b "
            "using (customer_id) where a.as_of_date = %(a)s and b.as_of_date = %(b)s",
            {"a": EARLIER, "b": sample.TODAY},
        ).values()
    assert (computed["moved"], computed["compared"]) == (moved, compared)
    assert 0 < moved < compared
    # these dates were published by hand, so that assignments were compared; their bytes say the same
    with server.machine.warehouse("demo").connect(readonly=True) as conn:
        assert db.scalar(conn, "select count(*) from segments.packed_segments") == 0
    assert packed_assignments.pack_missing(server.machine.warehouse("demo")) == [
        EARLIER,
        sample.BEFORE,
        sample.TODAY,
    ]
    assert server.ask(f"api/v1/movement?from={EARLIER}&to={sample.TODAY}").json == computed
    assert server.ask(f"api/v1/movement?to={EARLIER}").status == 404


def test_a_customer_is_found_with_reasons_and_past(server: Server):
    with server.machine.warehouse("demo").connect(readonly=True) as conn:
        rows = db.rows(
            conn, "select * from segments.customer_segments where customer_id = 'c00100' order by as_of_date"
        )
    found = server.ask("api/v1/customer", method="POST", body=BODY).json
    assert found["segment_id"] == rows[-1]["segment_id"]
    assert found["stays"][-1]["first"] == str(rows[0]["as_of_date"])
    assert {reason["holds"] for rule in found["reasons"] for reason in rule} <= {True, False}
    assert all(feature["value"] is not None for feature in found["features"])
    assert server.ask("api/v1/customer", method="POST", body={"id": "nobody"}).status == 404


def test_the_role_of_the_pages_reads_what_they_show_and_nothing_else(server: Server):
    warehouse = server.machine.warehouse("demo")
    role = replace(warehouse, params={**warehouse.params, "options": "-c role=segments_ui"})
    for allowed in ("segments.runs", "segments.customer_segments", "features.customer_features"):
        with role.connect() as conn:
            assert db.scalar(conn, f"select count(*) from {allowed}") > 0
    for refused in (
        "select * from core.orders",
        "select * from core.customers",
        "select * from staging.orders",
        "delete from segments.runs",
        "create table segments.mine ()",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), role.connect() as conn:
            db.execute(conn, refused)


def test_no_log_has_the_customer_who_was_looked_up(server: Server):
    server.ask("api/v1/customer", method="POST", body={"id": "somebody-secret"})
    assert "somebody-secret" not in (server.machine.folder / "log").read_text()


def test_the_api_keeps_what_its_document_promises(server: Server, tmp_path):
    """Examples, boundaries and random requests, right and wrong ones; answers against their schemas.

    By somebody who may only look: what is asked at random must not take a date back.
    """
    paths = server.ask("openapi.json").json["paths"]
    operations = [(path, method) for path, methods in paths.items() for method in methods]
    assert len(operations) >= 9
    looking = server.who("eve", "VIEWER")
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.pages}/openapi.json"]
    command += ["--header", f"Authorization: Bearer {looking}", "--max-examples", "8", "--seed", "1"]
    command += ["--generation-database", "none", "--request-timeout", "60", "--no-color"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout[-6000:]
    assert f"{len(operations)} selected / {len(operations)} total" in ended.stdout
