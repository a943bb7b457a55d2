"""A headless Chromium that is already on the machine, driven by Playwright; nothing is downloaded."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Pages of the browser's own that it loads with each window, half of what one costs; and what Playwright leaves out,
# too: the browser heeds the last list that it is given.
LEFT_OUT = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"),
    *("AimEnabled", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay", "MediaRouter"),
    *("OptimizationHints", "NetworkTimeServiceQuerying", "PaintHolding", "PreconnectToSearch"),
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose"),
)
QUIET = (
    f"--disable-features={','.join(LEFT_OUT)}",
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-gpu-compositing",
    "--disable-software-rasterizer",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESK = 390, 1200


def found() -> str:
    """The browser's path; the test is skipped where there is none."""
    told = os.environ.get("SEGMENTATION_TEST_BROWSER")
    path = told or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(
            f"no browser: none of {', '.join(NAMES)} is installed (SEGMENTATION_TEST_BROWSER names one)"
        )
    return path


@contextmanager
def running() -> Iterator[Browser]:
    """A browser; the profile is new and goes with it."""
    path = found()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


class Watch:
    """Console messages of a page, and every address it requested."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)
        page.on("request", lambda request: self.requests.append(request.url))

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning", "assert"):
            self.errors.append(message.text)

    def outside(self, *ours: str) -> list[str]:
        """Addresses that begin with none of `ours`."""
        return [url for url in self.requests if not url.startswith((*ours, "data:"))]


@contextmanager
def opened(
    browser: Browser, url: str, width: int = DESK, scheme: str = "light", **context: Any
) -> Iterator[tuple[Page, Watch]]:
    """A page at a width of the window, loaded, in a context of its own."""
    made = browser.new_context(
        viewport={"width": width, "height": 844 if width == PHONE else 900},
        color_scheme=scheme,
        is_mobile=width == PHONE,
        **context,
    )
    page = made.new_page()
    watch = Watch(page)
    page.goto(url)
    try:
        yield page, watch
    finally:
        made.close()


def faults(page: Page, contrast: bool = True) -> list[str]:
    """Findings of axe-core against WCAG 2.2 AA and its best practices: contrast, names, roles, structure.

    Contrast, three quarters of its time, is that of the colours: it need not be judged at each width again.
    """
    # what is right would be described, too: megabytes, and more than half of its time
    asked = {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": contrast}}}
    found = Axe().run(page, options=asked).response["violations"]
    return [f"{f['id']}: {node['html'][:120]} {node['failureSummary']}" for f in found for node in f["nodes"]]
