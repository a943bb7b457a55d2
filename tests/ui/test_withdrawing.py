"""A published date is taken back in the UI: by whoever may, with a reason, and everybody is told."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date

import psycopg2
import pytest

from segmentation.operations import withdraw as withdrawing
from segmentation.runs import register
from segmentation.warehouse import db
from tests.browser import faults, opened
from tests.report import sample
from tests.ui.conftest import Server

MISTAKEN = date(2025, 6, 2)
PATH = "api/v1/withdraw"
NUMBERS = itertools.count()
ASKED = {"date": str(MISTAKEN), "note": "half a file"}


@pytest.fixture(scope="module")
def is_there(server: Server) -> Iterator[Callable[[], bool]]:
    """True where the date is published; at the end it is not."""
    warehouse = server.machine.warehouse("demo")

    def is_published() -> bool:
        with warehouse.connect(readonly=True) as conn:
            return register.published(conn, MISTAKEN) is not None

    yield is_published
    if is_published():
        withdrawing.withdraw(warehouse, MISTAKEN, "the test")


@pytest.fixture
def mistaken(server: Server, is_there: Callable[[], bool]) -> Server:
    """A date more, which should not have been published; it stays until a test takes it back."""
    if not is_there():
        run_id = f"{MISTAKEN:%Y%m%d}-{next(NUMBERS):08}"
        store = server.machine.folder / "store"
        sample.publish(sample.night(server.machine.warehouse("demo"), store, MISTAKEN, run_id))
    return server


def newest(server: Server) -> str:
    return server.ask("api/v1/dates?limit=1").json["items"][0]["as_of_date"]


def run_of(server: Server) -> dict:
    query = """
        select status, withdrawn_by, withdrawn_note, withdrawn_at is not null as has_time from segments.runs
        where as_of_date = %(d)s order by withdrawn_at desc nulls last limit 1
    """
    with server.machine.warehouse("demo").connect(readonly=True) as conn:
        return db.one(conn, query, {"d": MISTAKEN})


def test_readers_go_to_the_date_before_and_who_and_why_is_kept_and_told(mistaken: Server):
    assert newest(mistaken) == str(MISTAKEN)
    grace = mistaken.who("grace", "OP")
    answer = mistaken.ask_as(grace, PATH, "POST", {**ASKED, "note": "  half a file "})
    assert answer.status == 200, answer.text
    assert (answer.json["by"], answer.json["newest"]) == ("grace", str(sample.TODAY))
    assert newest(mistaken) == str(sample.TODAY)
    assert run_of(mistaken) == {
        "status": "withdrawn",
        "withdrawn_by": "grace",
        "withdrawn_note": "half a file",
        "has_time": True,
    }
    with mistaken.machine.warehouse("demo").connect(readonly=True) as conn:
        query = "select count(*) from quality.alerts where as_of_date = %(d)s and kind = 'withdrawn'"
        assert db.scalar(conn, query, {"d": MISTAKEN}) >= 1
    again = mistaken.ask(PATH, "POST", ASKED)
    assert again.status == 409
    assert "is not published" in again.json["detail"]


@pytest.mark.parametrize("role", ["VIEWER", None])
def test_who_may_only_look_may_not(mistaken: Server, role):
    token = mistaken.who("eve", role)
    assert mistaken.ask_as(token, PATH, "POST", ASKED).status == 403
    html = {"Accept": "text/html"}
    assert mistaken.ask_as(token, f"withdraw?date={MISTAKEN}", **html).status == 403
    form = {"Content-Type": "application/x-www-form-urlencoded", **html}
    assert mistaken.ask_as(token, "withdraw", "POST", ASKED, **form).status == 403
    assert newest(mistaken) == str(MISTAKEN)
    if role:
        page = mistaken.ask_as(token, f"segments?date={MISTAKEN}", **html)
        assert (page.status, "Take this date back" in page.text) == (200, False)
        said = mistaken.ask_as(token, "withdraw", **html).text
        assert "whoever may decide about held nights" in said


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_is_refused(mistaken: Server, headers):
    """A browser sends the cookie of its user with it."""
    assert mistaken.ask_as(mistaken.token, PATH, "POST", ASKED, **headers).status == 403
    assert newest(mistaken) == str(MISTAKEN)


@pytest.mark.parametrize(
    "body",
    [{}, {"date": str(MISTAKEN)}, *({**ASKED, "note": note} for note in ("", "  ", "a\0b", "x" * 501))],
)
def test_a_reason_is_asked_for(mistaken: Server, body):
    assert mistaken.ask(PATH, "POST", body).status == 422
    assert newest(mistaken) == str(MISTAKEN)


def test_a_publication_under_way_is_waited_for_a_moment_and_named(mistaken: Server):
    warehouse = mistaken.machine.warehouse("demo")
    with closing(psycopg2.connect(**warehouse.params, application_name="a night")) as night:
        db.execute(night, "select from operations.locks where name = 'segmentation publication' for update")
        answer = mistaken.ask(PATH, "POST", ASKED)
    assert answer.status == 503
    assert "a night" in answer.json["detail"]
    assert newest(mistaken) == str(MISTAKEN)


def test_a_person_takes_it_back_with_a_click_and_a_reason(mistaken: Server, browser):
    cookie = {"name": "_token", "value": mistaken.token, "domain": "127.0.0.1", "path": "/", "expires": -1}
    cookie |= {"httpOnly": True, "secure": False, "sameSite": "Lax"}
    session = {"storage_state": {"cookies": [cookie], "origins": []}}
    with opened(browser, f"{mistaken.pages}/segments", **session) as (page, watch):
        page.get_by_role("link", name="Take this date back").click()
        assert page.locator("h1").inner_text() == "Take 2 June 2025 back"
        assert page.get_by_text("will be those of 1 June 2025").is_visible()
        assert faults(page) == []
        page.get_by_role("button", name="Take it back").click()  # without a reason nothing is sent
        assert newest(mistaken) == str(MISTAKEN)
        page.get_by_label("Why").fill("a wrong <digit>")
        page.get_by_role("button", name="Take it back").click()
        page.get_by_text("Readers see 1 June 2025 now.").wait_for()
        assert page.get_by_text("a wrong <digit>").is_visible()
        assert faults(page) == []
        assert watch.errors == []
    assert newest(mistaken) == str(sample.TODAY)
    assert run_of(mistaken)["withdrawn_note"] == "a wrong <digit>"
