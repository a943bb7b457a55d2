"""The pages for who doubts: a leaderboard that sorts and filters, quality over the dates, and the API's own."""

import re

import pytest

from segmentation.ui import evidence
from segmentation.warehouse import db
from tests.browser import DESK, PHONE, faults, opened
from tests.report import sample

PAGE = {"Accept": "text/html"}


def test_rows_without_a_value_come_last_whichever_way():
    rows = [{"a": None, "n": 1}, {"a": 1, "n": 2}, {"a": 3, "n": 3}]
    assert [row["n"] for row in evidence.ordered(rows, "a", largest_first=True)] == [3, 2, 1]
    assert [row["n"] for row in evidence.ordered(rows, "a", largest_first=False)] == [2, 3, 1]


def test_the_leaderboard_sorts_and_filters_by_click(browser, server, session):
    def segments(page):
        column = page.locator("#board ~ .scroll tbody tr td:nth-child(3), section tbody tr td:nth-child(3)")
        return [text for text in column.all_inner_texts() if text.strip().isdigit()]

    with opened(browser, f"{server.pages}/choice", **session) as (page, watch):
        assert page.locator("tbody tr").count() == len(sample.CANDIDATES)
        page.get_by_role("link", name="Segments", exact=True).last.click()
        page.wait_for_url("**sort=-k*")
        assert segments(page) == sorted(segments(page), key=int, reverse=True)
        assert page.locator("th[aria-sort=descending]").count() == 1
        page.get_by_role("link", name="Segments ↓").click()
        page.wait_for_url("**sort=k*")
        assert segments(page) == sorted(segments(page), key=int)
        page.get_by_label("Find").fill("ward")
        page.get_by_role("button", name="Show").last.click()
        page.wait_for_url("**find=ward*")
        assert page.locator("tbody tr").count() == sum(one[0] == "ward" for one in sample.CANDIDATES)
        page.get_by_label("Find").fill("")
        page.locator("select[name=show]").select_option("failed")
        page.get_by_role("button", name="Show").last.click()
        page.wait_for_url("**show=failed*")
        assert page.locator("tbody tr").count() == sum(bool(one[-1]) for one in sample.CANDIDATES)
        assert faults(page) == []
        assert watch.errors == []
    for asked in ("sort=no_such", "sort=-", "find=%25%22", "show=met"):
        assert server.ask(f"choice?{asked}").status == 200, asked
    assert server.ask("choice?sort=1;drop").status == 422


def test_a_night_without_a_search_leads_to_the_candidates_of_the_last_one(server):
    def page(searched):
        with server.machine.warehouse("demo").connect() as conn:
            query = "update segments.runs set searched = %(searched)s where as_of_date = %(day)s"
            for day in (sample.BEFORE, sample.TODAY):
                db.execute(conn, query, {"searched": searched.get(day), "day": day})
        return server.ask_as(server.token, f"choice?date={sample.TODAY}", **PAGE).text

    try:
        assert f'href="choice?date={sample.BEFORE}"' in page({sample.BEFORE: True, sample.TODAY: False})
        assert "of the last search" not in page({sample.BEFORE: True, sample.TODAY: True})
        assert "of the last search" not in page({sample.BEFORE: False, sample.TODAY: False})
    finally:
        page({})


def test_two_dates_are_compared_whichever_is_named_first(server):
    texts = [
        server.ask_as(server.token, f"movement?from={first}&to={second}", **PAGE).text
        for first, second in [(sample.BEFORE, sample.TODAY), (sample.TODAY, sample.BEFORE)]
    ]
    assert texts[0] == texts[1]
    assert "From 31 May 2025 to 1 June 2025" in texts[0]


@pytest.mark.parametrize("width", [PHONE, 1000])
def test_the_leaderboard_is_read_without_scrolling_sideways(browser, server, session, width):
    sorts = ["rank", "-davies_bouldin", "-stability"]
    with opened(browser, f"{server.pages}/choice?sort={sorts[0]}", width, **session) as (page, watch):
        for sort in sorts:
            page.goto(f"{server.pages}/choice?sort={sort}")
            board = page.locator("#board ~ .scroll")
            assert board.evaluate("b => [b.scrollWidth <= b.clientWidth, b.scrollWidth > 0]") == [True, True]
            column = board.locator("th[aria-sort]")
            assert column.is_visible()
            assert page.locator("select[name=sort]").input_value() == sort
            board.get_by_text("All scores").first.click()
            scores = board.locator("dl").first
            assert scores.locator("dt:visible").count() >= 10
            assert scores.get_by_text("Silhouette", exact=True).is_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert faults(page, contrast=sort == sorts[0]) == []
        assert watch.errors == []


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_quality_over_the_dates_is_drawn(browser, server, session, width):
    with opened(browser, f"{server.pages}/quality", width, **session) as (page, watch):
        assert page.locator("svg.checks").count() == 3
        newest = page.locator("table").first.locator("tbody tr").first.locator("td")
        assert newest.count() == 3 and "–" not in newest.all_inner_texts(), "a gate that nobody has"
        assert page.locator("svg.checks").first.locator("g").count() == 3
        assert "Checks of the gate" in page.locator("svg.checks title").first.text_content()
        assert (
            page.locator("svg.checks .warning[height='0.0']").count() < page.locator("svg.checks g").count()
        )
        assert page.locator("svg.figures-line").count() > 5
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert faults(page) == []
        assert watch.errors == []


def test_the_api_is_described_on_a_page_of_its_own(browser, server, session):
    paths = server.ask("openapi.json").json["paths"]
    text = server.ask_as(server.token, "docs", **PAGE).text
    assert all(path in text for path in paths)
    assert not re.search(r"https?://(?!localhost)|<script|style=", text)
    assert server.ask_as(None, "docs", Accept="application/json").status == 401
    assert server.ask_as(server.nobody, "docs", Accept="application/json").status == 403
    with opened(browser, f"{server.pages}/segments", **session) as (page, watch):
        page.get_by_role("link", name="the API").click()
        page.get_by_role("heading", name="The API").wait_for()
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert page.locator(".operation").count() == sum(map(len, paths.values()))
        assert faults(page) == []
        assert watch.errors == []
        assert watch.outside(server.address) == []
