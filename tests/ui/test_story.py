"""The story of a marketer in a real browser: from the lost best customers to what became of them a week later."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page

from segmentation import applications
from segmentation.publishing import withdrawal
from segmentation.warehouse import db
from tests.browser import faults, opened
from tests.report import sample
from tests.ui.conftest import Server

NEXT = sample.TODAY + timedelta(days=7)
LOST_BEST = f"""
    select cs.customer_id from segments.customer_segments as cs
    inner join features.customer_features as f using (as_of_date, customer_id)
    where cs.as_of_date = '{sample.TODAY}' and f.recency_days >= 100 and f.spend_365d >= 600 order by 1
"""


@pytest.fixture
def shop(server: Server) -> Iterator[Server]:
    """The server; what the story leaves behind is taken away."""
    warehouse = server.machine.warehouse("demo")
    yield server
    with warehouse.connect() as conn:
        is_there = db.scalar(
            conn, "select exists (select from segments.runs where as_of_date = %(d)s)", {"d": NEXT}
        )
    if is_there:
        withdrawal.withdraw(warehouse, NEXT, "the story", "it is told", beside=applications.delete)
    with warehouse.connect() as conn:
        for table in (
            "segments.segment_name_overrides",
            "segments.campaigns",
            "segments.saved_audiences",
            "operations.access_log",
        ):
            db.execute(conn, f"delete from {table}")
    with warehouse.connect() as conn:  # the dates of the sample keep no name but the one they show
        for kind in sample.KINDS:
            query = "update segments.segment_versions set name = %(name)s where segment_id = %(id)s"
            db.execute(conn, query, {"name": kind.name, "id": kind.segment_id})


def a_week_passes(server: Server) -> None:
    """Another date is published."""
    warehouse = server.machine.warehouse("demo")
    store = Path(server.machine.folder).parent / "store-of-the-story"
    before = sample.night(warehouse, store)
    sample.publish(sample.night(warehouse, store, NEXT), before, picture=False)


def downloaded(page: Page, button: str) -> list[str]:
    """The ids in a file that a button gives."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    return [line.split(",")[0] for line in Path(waiting.value.path()).read_text().splitlines()[1:]]


def test_from_the_lost_best_customers_to_a_week_later(shop: Server, browser):
    token = shop.who("grace", "OP")
    cookie = {"name": "_token", "value": token, "domain": "127.0.0.1", "path": "/", "expires": -1}
    state = {"cookies": [{**cookie, "httpOnly": True, "secure": False, "sameSite": "Lax"}], "origins": []}
    with shop.machine.warehouse("demo").connect(readonly=True) as conn:
        lost = [row["customer_id"] for row in db.rows(conn, LOST_BEST)]
    assert len(lost) >= 10
    with opened(browser, f"{shop.pages}/segments", storage_state=state) as (page, watch):
        # what is worth doing, and the segment that is cooling
        page.get_by_role("heading", name="What to do first").wait_for()
        assert page.locator(".first li").count() >= 3
        assert faults(page) == []
        card = page.locator("article.card", has_text="Mid-value cooling")
        assert "Win back" in card.inner_text()
        card.get_by_text("How it is measured").click()
        assert "Measure it by a campaign" in card.inner_text()
        card.get_by_role("link", name="Its customers").click()
        # it gets a name that the team uses
        page.get_by_label("A name of your own").fill("Our lost best")
        page.get_by_role("button", name="Rename").click()
        page.get_by_role("heading", name="Our lost best").first.wait_for()
        assert faults(page) == []
        # the best of the lost, in whatever segment they are
        page.get_by_role("link", name="Audiences").click()
        page.get_by_label("Feature 1").select_option("recency_days")
        page.get_by_label("at least").nth(0).fill("100")
        page.get_by_label("Feature 2").select_option("spend_365d")
        page.get_by_label("at least").nth(1).fill("600")
        page.get_by_label("Name", exact=True).fill("Lost best")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("heading", name="Lost best").wait_for()
        assert str(len(lost)) in page.locator(".figures").inner_text()
        assert downloaded(page, "All as CSV") == lost
        # why one of them is where he is
        page.locator("button.link").first.click()
        page.get_by_role("heading", name="Why here").wait_for()
        assert page.locator(".reasons li").count() >= 1
        assert faults(page) == []
        page.go_back()
        # a campaign with a control group, as two files
        page.get_by_text("A campaign with a control group").click()
        page.get_by_label("Its name").fill("Come back")
        page.get_by_label("Left alone, %").fill("30")
        page.get_by_role("button", name="Draw the groups").click()
        page.get_by_role("heading", name="Come back").wait_for()
        assert "Nothing is told before it has ended" in page.inner_text("main")
        assert faults(page) == []
        with shop.machine.warehouse("demo").connect(readonly=True) as conn:
            query = "select held_out from segments.campaigns where name = 'Come back'"
            assert float(db.scalar(conn, query)) == 0.3
        treated, control = downloaded(page, "Who takes part"), downloaded(page, "Who is left alone")
        assert sorted(treated + control) == lost
        assert 0 < len(control) < len(treated)
        # a week later
        a_week_passes(shop)
        page.goto(f"{shop.pages}/segments")
        assert "8 June 2025" in page.locator(".eyebrow").first.inner_text()
        assert page.get_by_text("Our lost best").first.is_visible()
        page.get_by_role("link", name="Who moved").first.click()
        page.get_by_role("heading", name="Moves").wait_for()
        page.get_by_role("link", name="Audiences").click()
        page.get_by_role("link", name="Lost best").click()
        assert f"{len(lost)} when it was saved" in page.locator(".figures").inner_text()
        assert faults(page) == []
        assert watch.errors == []
        assert watch.outside(shop.address) == []
    with shop.machine.warehouse("demo").connect(readonly=True) as conn:
        kept = db.rows(
            conn, "select what, customers from operations.access_log where who = 'grace' order by at"
        )
    assert [row["customers"] for row in kept if row["what"] == "export"] == [
        len(lost),
        len(treated),
        len(control),
    ]
