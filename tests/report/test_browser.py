"""The report in a real browser: nothing is asked for, nothing goes wrong, and everybody can read it."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from playwright.sync_api import Page

from segmentation import report
from segmentation.report import data
from tests import browser as browsers
from tests.browser import DESK, PHONE, faults, opened
from tests.paper import leaves


@pytest.fixture(scope="module")
def browser():
    with browsers.running() as running:
        yield running


@pytest.fixture(scope="module")
def shown(browser) -> Iterator[Callable[..., Page]]:
    """Opens a report at a width, once: for tests that only look at it."""
    with ExitStack() as stack:

        @cache
        def show(url: str, width: int = DESK) -> Page:
            return stack.enter_context(opened(browser, url, width))[0]

        yield show


@pytest.fixture(scope="module")
def url(published):
    return report.build(published, progress=lambda text: None).as_uri()


@pytest.fixture(scope="module")
def crowded(published, tmp_path_factory):
    """The same report with ten segments, the most that a choice ends with, of the longest names."""
    facts = data.read(published)
    long = ("Mid-value cooling, browses without buying", "High-value active, buys across categories")
    many = [
        replace(facts.segments[n % len(facts.segments)], segment_id=n, name=long[n % 2], colour=n)
        for n in range(1, 11)
    ]
    file = tmp_path_factory.mktemp("crowded") / report.FILE
    drawn = dict.fromkeys(("map", "movement", "candidates", "validity"))
    file.write_text(report.render(replace(facts, segments=many), drawn, root=""))
    return file.as_uri()


@pytest.fixture(scope="module")
def chinese(published, tmp_path_factory):
    settings = published.settings.model_copy(update={"language": "zh"})
    night = replace(published, settings=settings, store=tmp_path_factory.mktemp("zh"))
    return report.build(night, progress=lambda text: None).as_uri()


FEWER = "(most) => [...document.querySelectorAll('.card')].slice(most).forEach((card) => card.remove())"


def paper(page):
    """The pages of a report on paper."""
    return leaves(page.pdf(format="A4", prefer_css_page_size=True, print_background=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_goes_wrong_nothing_is_loaded_nothing_sticks_out(browser, url, width, scheme):
    with opened(browser, url, width, scheme) as (page, watch):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert faults(page, contrast=(width == DESK) == (scheme == "light")) == []  # each once
        assert watch.errors == []
        assert watch.outside("file:") == []


@pytest.mark.parametrize(("which", "segments"), [("url", 6), ("crowded", 10), ("chinese", 6)])
def test_one_screen_of_a_phone_says_what_matters(shown, request, which, segments):
    """Segments with size and value, what changed, and a warning: without scrolling."""
    page = shown(request.getfixturevalue(which), PHONE)
    assert page.evaluate("window.scrollY") == 0
    seen = page.evaluate(
        "[...document.querySelectorAll('h1, .figures, .notice, .overview tbody tr')]"
        ".map((e) => e.getBoundingClientRect().bottom)"
    )
    assert len(seen) == 1 + 1 + 2 + segments
    assert page.locator(".notice.warn, .notice.news").count() == 2
    assert max(seen) <= 844


@pytest.mark.parametrize("which", ["url", "crowded", "chinese"])
def test_a_phone_has_it_in_ten_screens_and_paper_in_five_pages(shown, request, which):
    page = shown(request.getfixturevalue(which), PHONE)
    assert page.evaluate("document.documentElement.scrollHeight") / 844 <= 10
    assert len(paper(page)) <= 5


@pytest.mark.parametrize("which", ["crowded", "chinese"])
def test_no_printed_page_is_half_empty(browser, request, which):
    """With so many cards as there are, then with fewer and fewer."""
    with opened(browser, request.getfixturevalue(which)) as (page, _):
        for cards in (10, 8, 6, 5, 4, 3, 2):
            page.evaluate(FEWER, cards)
            pages = paper(page)
            assert 2 <= len(pages) <= 5, cards
            for number, leaf in enumerate(pages, 1):
                assert sum(leaf.lowest) / 2 > 0.5, (cards, number, leaf)
                assert leaf.filled > 0.5, (cards, number, leaf)


@pytest.mark.parametrize("which", ["url", "crowded", "chinese"])
def test_the_leaderboard_is_read_at_a_thousand_pixels(browser, request, which):
    """The scores that decide stand there without scrolling; where all do not fit, the candidate stays in sight."""
    with opened(browser, request.getfixturevalue(which), 1000) as (page, _):
        page.evaluate("document.querySelectorAll('#choice details').forEach((d) => { d.open = true; })")
        boards = page.locator("#choice .scroll")
        widths = boards.evaluate_all("boards => boards.map((b) => [b.scrollWidth, b.clientWidth])")
        assert len(widths) == 2
        assert widths[0][0] <= widths[0][1]
        assert boards.first.locator("th.n").count() >= 4
        everything = boards.last
        everything.evaluate("(board) => { board.scrollLeft = board.scrollWidth; }")
        assert which != "url" or everything.evaluate("(board) => board.scrollLeft") > 0  # Chinese may fit
        edges = everything.evaluate(
            "(b) => [b.querySelector('tbody th').getBoundingClientRect().left, b.getBoundingClientRect().left]"
        )
        assert edges[0] >= edges[1]


JARGON = ("silhouette", "ARI", "AMI", "Pareto", "weightings", "k-means", "mixture", "Dunn", "Jaccard", "AUC")
BEFORE_THE_EVIDENCE = """
(() => {
  const page = document.body.cloneNode(true);
  page.querySelectorAll('.annex, script, style').forEach((one) => one.remove());
  return page.textContent;
})()
"""


def test_jargon_is_in_the_evidence_only(shown, url):
    before, all_ = shown(url).evaluate(BEFORE_THE_EVIDENCE), shown(url).locator("body").text_content()
    assert "What to do first" in before
    assert [word for word in JARGON if re.search(rf"\b{word}\b", before, re.IGNORECASE)] == []
    assert "silhouette" in all_.lower()


# For each list of figures the lines that they stand in, by their tops.
LINES = """
[...document.querySelectorAll('.figures, .facts')].map((list) => {
  const tops = [...list.children].map((one) => Math.round(one.getBoundingClientRect().top));
  return [...new Set(tops)].map((top) => tops.filter((one) => one === top).length);
})
"""


@pytest.mark.parametrize("which", ["url", "crowded", "chinese"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_no_figure_stands_alone_in_its_line(shown, request, which, width):
    lines = shown(request.getfixturevalue(which), width).evaluate(LINES)
    assert len(lines) >= 7
    assert all(1 not in line for line in lines), lines


def test_every_card_is_reached_from_the_headline_by_keyboard(browser, url):
    with opened(browser, url, PHONE) as (page, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        links = page.locator(".overview a")
        for number in range(links.count()):
            links.nth(number).focus()
            page.keyboard.press("Enter")
            name = links.nth(number).locator("span").last.inner_text()
            assert page.locator(f"{page.evaluate('location.hash')} h3").inner_text() == name


def test_a_card_says_what_a_marketer_asks(browser, url):
    with opened(browser, url) as (page, _):
        card = page.locator("#segment-1")
        card.get_by_text("Figures, products, habits and rule").click()
        card.get_by_text("When and where it buys").click()
        text = card.inner_text()
        for said in ("Reward", "What sets it apart", "P-20871", "3.3× everybody", "Rule", "Size", "app 50%"):
            assert said in text
        for svg in card.locator("svg[role=img]").all():
            assert svg.locator("title").text_content().strip()
        card.get_by_text("How it is measured, and one more idea").click()
        assert card.get_by_text("Show what goes with the last order.").is_visible()


def test_chinese_is_chinese(browser, chinese):
    with opened(browser, chinese, PHONE) as (page, watch):
        assert page.evaluate("document.documentElement.lang") == "zh"
        assert page.locator("h1").inner_text() == "6 个客户分群"
        assert page.locator("h2").all_inner_texts()[1] == "各分群"
        text = page.locator("main").text_content()
        assert "，且" in text
        # marks as wide as a letter, and none of English between Chinese words
        assert (
            re.findall(r"[。，：；）] +[\u4e00-\u9fff]|[\u4e00-\u9fff€0-9] +（|[\u4e00-\u9fff%], ", text)
            == []
        )
        assert faults(page) == []
        assert watch.errors == []


def test_paper_shows_everything_and_cuts_nothing_off(browser, url):
    with opened(browser, url, 690) as (page, _):  # the width of A4 without its margins
        page.emulate_media(media="print")
        # the leaderboard has a page across
        beyond = page.evaluate(
            "[...document.querySelectorAll('section:not(#choice) *')]"
            ".filter((e) => e.getBoundingClientRect().right > 695).map((e) => e.closest('section').id)"
        )
        assert beyond == []
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        # the evidence, the rest of the leaderboard, and what was met, would be dozens of pages
        assert page.evaluate(
            "[...document.querySelectorAll('details')].every((d) => d.open != d.matches('.long'))"
        )
        assert page.locator("section details.annex.long").count() >= len(report.SECTIONS) - 2


def test_a_card_says_who_and_what_to_do_and_unfolds_the_rest(browser, url):
    """The first look of a marketer is half a screen a card; on paper all of it is open, and folded again after."""
    with opened(browser, url, DESK) as (page, _):
        rest = page.locator(".card details.rest")
        heights = page.evaluate("[...document.querySelectorAll('.card')].map((c) => c.offsetHeight)")
        assert max(heights) < 520 and not rest.locator(".block").first.is_visible()
        rest.first.locator("summary").first.click()
        assert rest.first.locator(".block").first.is_visible()
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator(".card details.rest:not([open])").count() == 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator(".card details.rest[open]").count() == 1


def test_a_screen_reader_finds_its_way(shown, url):
    page = shown(url)
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map((h) => +h.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate(
        "[...document.querySelectorAll('table')].every((t) => t.caption && t.caption.textContent.trim())"
    )
    assert page.evaluate("[...document.querySelectorAll('th')].every((h) => h.scope)")
    assert page.evaluate(
        "(() => { const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);"
        "return ids.length === new Set(ids).size })()"
    )
    assert page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].every((a) => document.querySelector(a.hash))"
    )


def test_a_mark_and_a_cell_tell_what_they_are(browser, url):
    with opened(browser, url) as (page, _):
        tip = page.locator("#tip")
        page.locator("#map [data-tip]").first.hover(force=True)
        assert "of the dots" in tip.inner_text()
        page.locator(".heat td[data-tip]").first.hover()
        assert "standard deviations" in tip.inner_text()
        page.locator("h1").hover()
        assert not tip.is_visible()


def test_without_javascript_all_charts_are_there(browser, url):
    with opened(browser, url, java_script_enabled=False) as (page, _):
        for summary in page.locator("details.annex > summary").all():
            summary.click()
        boxes = [svg.bounding_box() for svg in page.locator("figure svg").all()]
        assert len(boxes) == 3
        assert min(box["height"] for box in boxes) > 100
        assert page.locator("svg.trend").count() == 12, "of size and of revenue, a card"
