"""Saved audiences: counted at once, saved, exported, and what a campaign may be made for."""

import csv
import io
from collections.abc import Iterator

import pytest

from segmentation.warehouse import db
from tests.browser import faults, opened
from tests.report import sample
from tests.ui.conftest import Server

PATH = "api/v1/audiences"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
FILTER = {
    "segment_ids": [1, 2],
    "conditions": [{"feature": "spend_365d", "at_least": 900}, {"feature": "recency_days", "at_most": 40}],
}
MEMBERS = f"""
    select cs.customer_id from segments.customer_segments as cs
    inner join features.customer_features as f using (as_of_date, customer_id)
    where cs.as_of_date = '{sample.TODAY}' and cs.segment_id in (1, 2)
    and f.spend_365d >= 900 and f.recency_days <= 40 order by 1
"""


@pytest.fixture
def clean(server: Server) -> Iterator[Server]:
    """Nothing saved before and after."""
    _clean(server)
    yield server
    _clean(server)


def _clean(server: Server) -> None:
    with server.machine.warehouse("demo").connect() as conn:
        for table in ("segments.campaigns", "segments.saved_audiences", "operations.access_log"):
            db.execute(conn, f"delete from {table}")


def see(server: Server, query: str) -> list[dict]:
    with server.machine.warehouse("demo").connect(readonly=True) as conn:
        return db.rows(conn, query)


def test_it_is_counted_saved_and_counted_again_by_programs(clean: Server):
    members = see(clean, MEMBERS)
    assert 20 < len(members) < 400
    counted = clean.ask("api/v1/customers/count", "POST", FILTER).json
    assert counted["customers"] == sum(one["customers"] for one in counted["segments"]) == len(members)
    assert see(clean, "select * from segments.saved_audiences order by 1") == []
    asked = {**FILTER, "name": "Good & recent"}
    assert clean.ask_as(clean.who("eve", "VIEWER"), PATH, "POST", asked).status == 403
    made = clean.ask_as(clean.who("grace", "OP"), PATH, "POST", asked)
    assert made.status == 201, made.text
    assert (made.json["audience_id"], made.json["made_by"]) == ("good-recent", "grace")
    assert clean.ask(PATH, "POST", asked).json == made.json
    other = clean.ask(PATH, "POST", {**asked, "segment_ids": []})
    assert (other.status, "that name already" in other.json["detail"]) == (409, True)
    found = clean.ask(f"{PATH}/good-recent").json
    assert found["now"]["customers"] == found["customers"] == len(members)
    assert clean.ask(PATH).json["items"] == [made.json]
    assert clean.ask(f"{PATH}/good-recent/remove", "POST").status == 204
    assert clean.ask(f"{PATH}/good-recent").status == 404


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"segment_ids": [99], "conditions": []}, 409, "no segment 99"),
        ({"conditions": [{"feature": "no_such", "at_least": 1}]}, 409, "no feature no_such"),
        ({"conditions": [{"feature": "spend_365d\" or true --", "at_least": 1}]}, 422, "pattern"),
        ({"conditions": [{"feature": "spend_365d", "at_least": 2, "at_most": 1}]}, 409, "above at_most"),
        ({"segment_ids": [], "conditions": []}, 422, "everybody is no audience"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_in_words(clean: Server, given, status, said):
    answer = clean.ask("api/v1/customers/count", "POST", {**FILTER, **given})
    assert answer.status == status, answer.text
    assert said in answer.text


def test_its_customers_are_a_file_for_whoever_may_and_it_is_kept(clean: Server):
    clean.ask(PATH, "POST", {**FILTER, "name": "Good"})
    refused = clean.send(clean.who("eve", "VIEWER"), "audience/customers.csv", "id=good", **FORM)
    assert refused.status == 403
    answer = clean.send(clean.who("grace", "OP"), "audience/customers.csv", "id=good", **FORM)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["customer_id"] for row in rows] == [row["customer_id"] for row in see(clean, MEMBERS)]
    kept = see(clean, "select who, what, audience_id, customers from operations.access_log order by at")
    assert kept == [{"who": "grace", "what": "export", "audience_id": "good", "customers": len(rows)}]


def test_a_campaign_is_for_it_and_keeps_its_conditions(clean: Server):
    clean.ask(PATH, "POST", {**FILTER, "name": "Good"})
    asked = {"name": "Spring", "audience": "good", "from": "2025-06-03", "to": "2025-07-02", "held_out": 0.3}
    made = clean.ask("api/v1/campaigns", "POST", asked)
    assert made.status == 201, made.text
    drawn = see(clean, "select customer_id from segments.campaign_members order by 1")
    assert drawn == see(clean, MEMBERS)
    assert (made.json["audience_id"], made.json["segment_ids"]) == ("good", [1, 2])
    clean.ask(f"{PATH}/good/remove", "POST")
    assert clean.ask("api/v1/campaigns", "POST", asked).json == made.json
    assert [one["feature"] for one in clean.ask("api/v1/campaigns/spring").json["conditions"]] == [
        "spend_365d", "recency_days",
    ]  # fmt: skip
    both = clean.ask("api/v1/campaigns", "POST", {**asked, "name": "B", "segments": [1]})
    assert (both.status, "one of both" in both.text) == (422, True)


def test_a_person_counts_saves_looks_and_removes(clean: Server, browser):
    cookie = {"name": "_token", "value": clean.token, "domain": "127.0.0.1", "path": "/", "expires": -1}
    state = {"cookies": [{**cookie, "httpOnly": True, "secure": False, "sameSite": "Lax"}], "origins": []}
    with opened(browser, f"{clean.pages}/audiences", storage_state=state) as (page, watch):
        page.get_by_role("checkbox").first.check()
        page.get_by_label("Feature 1").select_option("spend_365d")
        page.get_by_label("at least").first.fill("much")
        page.get_by_role("button", name="Count").click()
        assert "a bound is a number" in page.get_by_role("alert").inner_text()
        page.get_by_label("at least").first.fill("900")
        page.get_by_role("button", name="Count").click()
        counted = page.get_by_role("status").first.inner_text()
        assert faults(page) == []
        page.get_by_role("button", name="Save").click()
        assert "give the audience a name" in page.get_by_role("alert").inner_text()
        page.get_by_label("Name", exact=True).fill("The <best>")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("heading", name="The <best>").wait_for()
        assert counted.split()[1] in page.locator(".figures").inner_text()
        assert faults(page) == []
        page.locator("button.link").first.click()
        page.get_by_role("heading", name="Why here").wait_for()
        page.go_back()
        page.get_by_role("button", name="Remove").click()
        page.get_by_role("heading", name="A new one").wait_for()
        assert page.get_by_text("The <best>").count() == 0
        assert watch.errors == []
