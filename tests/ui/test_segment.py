"""The page of a segment: its customers, a file of them, two side by side, a name of one's own."""

import csv
import io
from collections.abc import Iterator

import pytest

from segmentation.warehouse import db
from tests.browser import faults, opened
from tests.report import sample
from tests.ui.conftest import Server

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
PAGE = {"Accept": "text/html"}


@pytest.fixture
def named(server: Server) -> Iterator[Server]:
    """A server on which segments may be named; nothing is left of it."""
    clean(server)
    yield server
    clean(server)


def clean(server: Server) -> None:
    with server.machine.warehouse("demo").connect() as conn:
        db.execute(conn, "delete from segments.segment_name_overrides")
        db.execute(conn, "delete from operations.access_log")


def see(server: Server, query: str) -> list[dict]:
    with server.machine.warehouse("demo").connect(readonly=True) as conn:
        return db.rows(conn, query)


def members(server: Server, segment_id: int = 1) -> set[str]:
    query = (
        f"select customer_id from segments.customer_segments where as_of_date = '{sample.TODAY}' "
        f"and segment_id = {segment_id} order by 1"
    )
    return {row["customer_id"] for row in see(server, query)}


def listed(page: str, customers: set[str]) -> set[str]:
    return {customer for customer in customers if f'value="{customer}"' in page}


def test_customers_are_listed_by_pages_and_who_looked_is_kept(named: Server):
    everybody = members(named)
    grace = named.who("grace", "VIEWER")
    first = named.ask_as(grace, "segment?id=1", **PAGE)
    assert first.status == 200
    shown = listed(first.text, everybody)
    assert len(shown) == min(50, len(everybody))
    found = set(shown)
    for number in range(2, -(-len(everybody) // 50) + 1):
        found |= listed(named.ask_as(grace, f"segment?id=1&page={number}", **PAGE).text, everybody)
    assert found == everybody
    (entry, *_) = see(named, "select who, what, segment_id, customers from operations.access_log order by at")
    assert entry == {"who": "grace", "what": "list", "segment_id": 1, "customers": len(shown)}


@pytest.mark.parametrize("order", ["id", "clear", "unclear"])
def test_an_order_and_a_filter(named: Server, order):
    query = (
        f"select customer_id, confidence from segments.customer_segments where as_of_date = '{sample.TODAY}' "
        "and segment_id = 1 and is_outlier order by customer_id"
    )
    outliers = see(named, query)
    page = named.ask(f"segment?id=1&which=outliers&order={order}", **{}).text
    by = {"id": lambda row: row["customer_id"], "clear": lambda row: (-row["confidence"], row["customer_id"])}
    by["unclear"] = lambda row: (row["confidence"], row["customer_id"])
    wanted = [row["customer_id"] for row in sorted(outliers, key=by[order])][:50]
    places = [page.find(f'value="{customer}"') for customer in wanted]
    assert -1 not in places
    assert places == sorted(places)


def test_all_customers_as_a_file_for_whoever_may_and_it_is_kept(named: Server):
    body = f"id=1&date={sample.TODAY}"
    refused = named.send(named.who("eve", "VIEWER"), "segment/customers.csv", body, **FORM)
    assert refused.status == 403
    answer = named.send(named.who("grace", "OP"), "segment/customers.csv", body, **FORM)
    assert answer.status == 200
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["customer_id"] for row in rows} == members(named)
    assert float(rows[0]["spend_365d"]) >= 0
    kept = see(named, "select who, what, customers from operations.access_log order by at")
    assert kept == [{"who": "grace", "what": "export", "customers": len(rows)}]


def test_a_name_of_ones_own_is_everywhere_and_goes_again(named: Server):
    grace = named.who("grace", "OP")
    given = named.send(grace, "segment/name", "id=1&name=  Our+dearest ", **FORM)
    assert given.status == 303
    assert see(named, "select name, set_by from segments.segment_name_overrides order by 1") == [
        {"name": "Our dearest", "set_by": "grace"}
    ]
    assert "Our dearest" in {item["name"] for item in named.ask("api/v1/segments").json["items"]}
    taken = named.send(grace, "segment/name", "id=2&name=Our+dearest", **FORM)
    assert taken.status == 409
    assert "given that name already" in taken.text
    assert named.send(named.who("eve", "VIEWER"), "segment/name", "id=1&name=Mine", **FORM).status == 403
    elsewhere = {**FORM, "Sec-Fetch-Site": "cross-site"}
    assert named.send(grace, "segment/name", "id=1&name=Theirs", **elsewhere).status == 403
    assert named.send(grace, "segment/name", "id=1&name=", **FORM).status == 303
    assert see(named, "select name from segments.segment_name_overrides order by 1") == []


def test_nobody_is_said_to_have_stayed_since_a_date_that_is_not_there(named: Server):
    with named.machine.warehouse("demo").connect(readonly=True) as conn:
        query = "select min(as_of_date) from segments.runs where status = 'published'"
        first = db.scalar(conn, query)
    page = named.ask_as(named.token, f"segment?id=1&date={first}", **PAGE)
    assert "This is the first published date" in page.text
    assert "Nobody came or left" not in page.text


def test_what_is_not_there_is_refused_in_words(named: Server):
    assert named.ask("segment?id=99").status == 404
    assert named.ask("segment?id=1&beside=99").status == 404
    assert named.ask("segment?id=1&order=name").status == 422


def test_a_person_looks_compares_and_renames(named: Server, browser):
    cookie = {"name": "_token", "value": named.token, "domain": "127.0.0.1", "path": "/", "expires": -1}
    session = {
        "storage_state": {
            "cookies": [{**cookie, "httpOnly": True, "secure": False, "sameSite": "Lax"}],
            "origins": [],
        }
    }
    with opened(browser, f"{named.pages}/segments", **session) as (page, watch):
        page.get_by_role("link", name="Its customers").first.click()
        page.get_by_role("heading", name="Its customers").wait_for()
        assert faults(page) == []
        page.get_by_role("button", name="Compare").click()
        page.get_by_text("Medians, the largest differences first.").wait_for()
        assert faults(page) == []
        page.get_by_label("A name of your own").fill("Our <best>")
        page.get_by_role("button", name="Rename").click()
        page.get_by_role("heading", name="Our <best>").first.wait_for()
        page.locator("button.link").first.click()
        page.get_by_role("heading", name="Why here").wait_for()
        assert watch.errors == []
