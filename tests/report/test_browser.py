"""The report in a real browser: nothing is asked for, nothing goes wrong, and everybody can read it."""

from itertools import pairwise

import pytest

from segmentation import report
from tests.report.browser import Browser, found

CONTRAST = """
(() => {
  const probe = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    probe.clearRect(0, 0, 1, 1); probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const behind = (node) => {
    const layers = [];
    for (let n = node; n; n = n.parentElement) layers.push(rgba(getComputedStyle(n).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const light = (rgb) => {
    const linear = (c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    const [r, g, b] = rgb.map((c) => linear(c / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const poor = [];
  for (const node of document.querySelectorAll("body *:not(svg *):not(script):not(#tip)")) {
    const own = [...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim());
    if (!own || !node.checkVisibility()) continue;
    const style = getComputedStyle(node), under = behind(node), ink = over(rgba(style.color), under);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.6 && style.fontWeight >= 600);
    const least = large ? 3 : 4.5;
    if (ratio < least) poor.push(`${node.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return poor;
})()
"""


@pytest.fixture(scope="module")
def browser():
    with Browser(found()) as page:
        yield page


@pytest.fixture(scope="module")
def file(published):
    return report.build(published, progress=lambda text: None)


@pytest.fixture(autouse=True)
def _forget(browser):
    browser.events.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1200])
def test_nothing_goes_wrong_nothing_is_loaded_nothing_sticks_out(browser, file, width, scheme):
    browser.open(file, width, scheme)
    assert browser.errors() == []
    assert [url for url in browser.requests() if not url.startswith(("file:", "data:"))] == []
    assert browser.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(browser, file, scheme):
    browser.open(file, 1200, scheme)
    browser.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert browser.run(CONTRAST) == []


def test_paper_shows_everything_and_cuts_nothing_off(browser, file):
    browser.open(file, 690, media="print")  # the width of A4 without its margins
    # the leaderboard has a page across
    beyond = browser.run(
        "[...document.querySelectorAll('section:not(#choice) *')]"
        ".filter((e) => e.getBoundingClientRect().right > 695).map((e) => e.closest('section').id)"
    )
    assert beyond == []
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert browser.run("[...document.querySelectorAll('details')].every((d) => d.open)")


def test_a_screen_reader_finds_its_way(browser, file):
    browser.open(file)
    levels = browser.run("[...document.querySelectorAll('h1, h2, h3')].map((h) => +h.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert browser.run("document.documentElement.lang") == "en"
    assert browser.run(
        "[...document.querySelectorAll('table')].every((t) => t.caption && t.caption.textContent.trim())"
    )
    assert browser.run("[...document.querySelectorAll('th')].every((h) => h.scope)")
    assert browser.run(
        "[...document.querySelectorAll('figure svg')].every((s) => s.getAttribute('role') === 'img' "
        "&& document.getElementById(s.getAttribute('aria-labelledby')).textContent.trim())"
    )
    assert browser.run(
        "(() => { const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);"
        "return ids.length === new Set(ids).size })()"
    )
    assert browser.run(
        "[...document.querySelectorAll('a[href^=\"#\"]')].every((a) => document.querySelector(a.hash))"
    )


def test_a_mark_and_a_cell_tell_what_they_are(browser, file):
    browser.open(file)
    told = (
        "(() => {{ const node = document.querySelector({0!r}); node.scrollIntoView();"
        "node.dispatchEvent(new PointerEvent('pointermove', {{bubbles: true, clientX: 50, clientY: 50}}));"
        "const tip = document.getElementById('tip'); return tip.hidden ? '' : tip.textContent }})()"
    )
    assert "of customers" in browser.run(told.format("#segments .role-mark [aria-label]"))
    assert "standard deviations" in browser.run(told.format(".heat td[data-tip]"))
    assert browser.run(told.format("h1")) == ""


def test_without_javascript_all_charts_are_there(browser, file):
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(file)
        sizes = browser.run(
            "[...document.querySelectorAll('figure svg')].map((s) => s.getBoundingClientRect().height)"
        )
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert len(sizes) == 4
    assert min(sizes) > 100
