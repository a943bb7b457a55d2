"""The pages of the UI in a real browser, on a real api-server: clicked through as a person does it."""

import json

import pytest

from tests.browser import DESK, PHONE, faults, opened
from tests.report import sample
from tests.ui.conftest import EARLIER

TABS = ("Segments", "History", "Movement", "Applications", "Model", "Quality", "Customer", "Audiences")

FARTHEST_TAB = (
    "Math.max(...[...document.querySelectorAll('.tabs a')].map((a) => a.getBoundingClientRect().right))"
)


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_every_tab_is_right_for_everybody(browser, server, session, width, scheme):
    with opened(browser, f"{server.pages}/", width, scheme, **session) as (page, watch):
        for tab in TABS:
            page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name=tab).click()
            assert page.locator("[aria-current=page]").inner_text() == tab
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(FARTHEST_TAB) <= width
            assert faults(page) == [], tab
        assert watch.errors == []
        assert watch.outside(server.address) == []


def test_another_date_and_from_its_card_to_movement_and_report(browser, server, session):
    with opened(browser, f"{server.pages}/segments", **session) as (page, watch):
        assert page.locator("article.card").count() == len(sample.KINDS)
        page.get_by_role("combobox", name="Date").select_option(str(sample.BEFORE))
        page.get_by_role("button", name="Show").click()
        assert "31 May 2025" in page.locator(".eyebrow").inner_text()
        page.get_by_role("link", name="Who moved").click()
        assert "From 1 May 2025 to 31 May 2025" in page.locator("h2").first.inner_text()
        page.get_by_role("combobox", name="From").select_option(str(EARLIER))
        page.get_by_role("combobox", name="To").select_option(str(sample.TODAY))
        page.get_by_role("button", name="Show").click()
        assert "From 1 May 2025 to 1 June 2025" in page.locator("h2").first.inner_text()
        assert page.locator("svg.alluvial .band").count() > len(sample.KINDS)
        page.locator("svg.alluvial .band").first.hover(force=True)
        assert "customer" in page.locator("#tip").inner_text()
        page.go_back()
        page.get_by_role("link", name="History").click()
        assert page.locator("svg.history").count() == 2
        page.get_by_role("link", name=str(EARLIER)).click()
        assert "1 May 2025" in page.locator(".eyebrow").inner_text()
        assert watch.errors == []


def test_whose_session_has_expired_logs_in_and_comes_to_the_page_that_was_wanted(browser, server):
    with opened(browser, f"{server.pages}/history") as (page, _):
        page.get_by_label("Username").fill("admin")
        passwords = server.machine.folder / "demo" / "airflow" / "passwords.json"
        page.get_by_label("Password").fill(json.loads(passwords.read_text())["admin"])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{server.pages}/history")
        assert page.locator("h1").inner_text() == "History"


def test_a_customer_is_looked_up_and_the_address_does_not_have_the_id(browser, server, session):
    with opened(browser, f"{server.pages}/customer", **session) as (page, watch):
        page.get_by_label("Customer id").fill("c00100")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Why here").wait_for()
        assert page.locator(".reasons li").count() >= 1
        assert page.locator(".stays li").count() >= 1
        assert "c00100" not in page.url
        assert faults(page) == []
        page.get_by_label("Customer id").fill("<img src=x onerror=alert(1)>")
        page.get_by_role("button", name="Look up").click()
        assert page.get_by_text("Nobody of this id has a segment on 1 June 2025.").is_visible()
        assert page.locator("img").count() == 0
        assert watch.errors == []
