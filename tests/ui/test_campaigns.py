"""Campaigns through the API: made by whoever may start a night, shown to whoever may look, and on record."""

import json
from collections.abc import Iterator

import pytest

from segmentation.local import postgres
from segmentation.warehouse import db
from tests.report import sample
from tests.ui.conftest import Server

ASKED = {
    "name": "Spring coupon",
    "segments": [1, 2],
    "from": "2025-06-03",
    "to": "2025-07-02",
    "held_out": 0.3,
}
PATH = "api/v1/campaigns"


@pytest.fixture
def clean(server: Server) -> Iterator[Server]:
    """No campaign at the end."""
    yield server
    with server.machine.warehouse("demo").connect() as conn:
        db.execute(conn, "delete from segments.campaigns")


def test_a_campaign_is_made_once_shown_and_cancelled(clean: Server):
    made = clean.ask_as(clean.who("grace", "OP"), PATH, "POST", ASKED)
    assert made.status == 201, made.text
    assert (made.json["campaign_id"], made.json["made_by"]) == ("spring-coupon", "grace")
    assert made.json["as_of_date"] == str(sample.TODAY)
    assert made.json["treated"] > made.json["control"] > 0
    assert made.json["results"] == [] and "left alone" in made.json["sight"][0]
    assert clean.ask(PATH, "POST", ASKED).json == made.json  # asked again it is as it was
    other = clean.ask(PATH, "POST", {**ASKED, "held_out": 0.5})
    assert (other.status, "never changed" in other.json["detail"]) == (409, True)
    assert clean.ask(f"{PATH}/spring-coupon").json == made.json
    listed = clean.ask(PATH).json
    assert (listed["total"], listed["items"]) == (1, [made.json])
    cancelled = clean.ask(f"{PATH}/spring-coupon/cancel", "POST", {})
    assert cancelled.status == 200 and cancelled.json["cancelled_at"]


def test_who_may_only_look_may_not_make_or_cancel_one(clean: Server):
    viewer = clean.who("eve", "VIEWER")
    assert clean.ask_as(viewer, PATH).status == 200
    assert clean.ask_as(viewer, PATH, "POST", ASKED).status == 403
    clean.ask(PATH, "POST", ASKED)
    assert clean.ask_as(viewer, f"{PATH}/spring-coupon/cancel", "POST", {}).status == 403
    assert clean.ask(f"{PATH}/spring-coupon").json["cancelled_at"] is None


def test_a_form_of_another_site_makes_and_cancels_nothing(clean: Server):
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert clean.ask_as(clean.token, PATH, "POST", ASKED, **elsewhere).status == 403
    clean.ask(PATH, "POST", ASKED)
    assert clean.ask_as(clean.token, f"{PATH}/spring-coupon/cancel", "POST", {}, **elsewhere).status == 403
    assert clean.ask(f"{PATH}/spring-coupon").json["cancelled_at"] is None


def test_who_made_it_is_in_the_audit_log(clean: Server):
    clean.ask_as(clean.who("grace", "OP"), PATH, "POST", {**ASKED, "name": "Audited"})
    airflow = postgres.database(postgres.start(clean.machine.folder / "demo" / "postgres"), "airflow")
    with airflow.connect(readonly=True) as conn:
        rows = db.rows(
            conn, "select owner, extra from log where event = 'segmentation_campaign_made' order by id desc"
        )
    assert rows[0]["owner"] == "grace"
    assert json.loads(rows[0]["extra"])["name"] == "Audited"


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"segments": [999]}, 409, "there is no segment 999"),
        ({"from": "2025-05-01"}, 409, "is before"),
        ({"to": "2025-06-01"}, 422, "before its first"),
        ({"held_out": 0.0}, 422, "greater than or equal"),
        ({"unknown": 1}, 422, "not permitted"),
        ({"name": "春季"}, 409, "an id"),
    ],
)
def test_what_cannot_be_a_campaign_is_refused_in_words(clean: Server, given, status, said):
    answer = clean.ask(PATH, "POST", {**ASKED, **given})
    assert answer.status == status, answer.text
    assert said in answer.text
    assert clean.ask(PATH).json["total"] == 0


def test_an_unknown_campaign_is_not_there(clean: Server):
    assert clean.ask(f"{PATH}/nobody").status == 404
    assert clean.ask(f"{PATH}/nobody/cancel", "POST", {}).status == 404
    assert clean.ask(f"{PATH}/No%20Id").status == 422
