"""Customers who came and left between two dates: lists with links, a file, and who looked is kept."""

import csv
import io
from collections.abc import Iterator

import pytest

from segmentation.warehouse import db
from tests.report import sample
from tests.ui.conftest import EARLIER, Server

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
PAGE = {"Accept": "text/html"}
MOVED = """
    select coalesce(a.customer_id, b.customer_id) as customer_id, b.segment_id as came, a.segment_id as went
    from (select * from segments.customer_segments where as_of_date = %(first)s) as b
    full join (select * from segments.customer_segments where as_of_date = %(second)s) as a using (customer_id)
    where a.segment_id is distinct from b.segment_id order by 1
"""


@pytest.fixture
def clean(server: Server) -> Iterator[Server]:
    """Nothing was looked at before."""
    with server.machine.warehouse("demo").connect() as conn:
        db.execute(conn, "delete from operations.access_log")
    return server


def see(server: Server, query: str, **params) -> list[dict]:
    with server.machine.warehouse("demo").connect(readonly=True) as conn:
        return db.rows(conn, query, params)


@pytest.mark.parametrize("first", [sample.BEFORE, EARLIER])
def test_programs_get_who_moved_between_two_dates(clean: Server, first):
    moved = see(clean, MOVED, first=first, second=sample.TODAY)
    for asked, wanted in (
        ("source=0", [row for row in moved if row["came"] is None]),
        ("target=0", [row for row in moved if row["went"] is None]),
        ("target=5", [row for row in moved if row["went"] == 5]),
        ("source=5&target=7", [row for row in moved if (row["came"], row["went"]) == (5, 7)]),
    ):
        answer = clean.ask(f"api/v1/movement/customers?from={first}&to={sample.TODAY}&limit=500&{asked}").json
        assert [row["customer_id"] for row in answer["items"]] == [row["customer_id"] for row in wanted], (
            asked
        )
    kept = see(clean, "select what, customers, segment_id from operations.access_log order by at")
    assert len(kept) == 4
    assert {row["what"] for row in kept} == {"list"}
    assert clean.ask("api/v1/movement/customers?from=1999-01-01").status == 404


def test_a_person_comes_from_the_movement_to_the_customers_and_takes_the_file(clean: Server):
    page = clean.ask_as(clean.token, "movement", **PAGE).text
    link = f"moves?from={sample.BEFORE}&amp;to={sample.TODAY}&amp;target=5"
    assert link in page
    listed = clean.ask_as(clean.token, link.replace("&amp;", "&"), **PAGE).text
    moved = [row for row in see(clean, MOVED, first=sample.BEFORE, second=sample.TODAY) if row["went"] == 5]
    assert all(f'value="{row["customer_id"]}"' in listed for row in moved[:50])
    body = f"from={sample.BEFORE}&to={sample.TODAY}&target=5"
    assert clean.send(clean.who("eve", "VIEWER"), "moves/customers.csv", body, **FORM).status == 403
    answer = clean.send(clean.token, "moves/customers.csv", body, **FORM)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["customer_id"] for row in rows] == [row["customer_id"] for row in moved]
    (kept,) = see(clean, "select customers from operations.access_log where what = 'export' order by at")
    assert kept["customers"] == len(moved)
