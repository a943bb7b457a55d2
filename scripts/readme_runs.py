"""The runs that the README shows: `python -m scripts.readme_runs demo AS_OF`, or `online_retail AS_OF FILE`.

Makes the night in a folder of its own as `make run` does, stores its summary in `docs/runs`, and of the demo
shop takes the pictures of the report and of the pages (desktop, phone, dark, print, both languages). Then the
README is written, as `scripts/readme_excerpts.py` does it. It takes some minutes and both cores, and needs a Chromium;
Chinese pages are pictured, of a night in Chinese, where a font has the letters (Debian: fonts-wqy-microhei,
fonts-noto-cjk).
"""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Browser, Page

from scripts import readme_excerpts
from scripts.readme_excerpts import PROJECT, RUNS
from tests.browser import PHONE, opened, running

IMAGES = PROJECT / "docs" / "images"
START_SECONDS = 300
# pictures of the report: name, width, height, colours, medium
REPORT = (
    ("report", 1100, 1500, "light", "screen"),
    ("report_phone", PHONE, 844, "light", "screen"),
    ("report_dark", 1100, 1500, "dark", "screen"),
    ("report_print", 690, 980, "light", "print"),
)
# pictures of pages, each in both languages: name, path, width, height, colours; of the date after: movement
PAGES = (
    ("segments", "segments", 1200, 1400, "light"),
    ("segments_phone", "segments", PHONE, 844, "dark"),
    ("segment", "segment?id=1", 1200, 1400, "light"),
    ("audiences", "audiences", 1200, 1000, "light"),
    ("quality", "quality", 1200, 1000, "dark"),
    ("movement", "movement", 1200, 1000, "light"),
)
# the api-server alone, on the shop that ran last
SERVE = """
import os, sys
from pathlib import Path
from segmentation.local import home as homes, services
home = homes.find("", "", "", "")
environment = {**homes.airflow_environment(home, home.start_server()), **services.addresses(int(sys.argv[1]))}
airflow = str(Path(sys.executable).parent / "airflow")
os.execve(airflow, [airflow, "api-server"], environment)
"""


def main(name: str, as_of: str, data: str = "") -> None:
    """Make a run, store it, write the README."""
    with tempfile.TemporaryDirectory(prefix="seg-readme-", ignore_cleanup_errors=True) as folder:
        local = Path(folder) / ".local"
        local.mkdir(mode=0o755)
        Path(folder).chmod(0o755)  # as root the server is another user, who has to look into it
        environment = {**os.environ, "SEGMENTATION_LOCAL": str(local), "PYTHONPATH": str(PROJECT / "include")}
        words = [f"--source={name}", f"--data={data}"] if data else []
        printed = _command(["run", f"--as-of={as_of}", *words], environment)
        summary = printed[printed.index("PUBLISHED") :]
        report = re.search(r"file://(\S+report\.html)", summary)[1]
        pictures = _pictures(report, as_of, environment, local) if name == "demo" else {}
        shown = f" SOURCE={name} DATA={Path(data).name}" if data else ""
        stored = {
            "command": f"make run{shown} AS_OF={as_of}",
            "made_on": datetime.now(UTC).date().isoformat(),
            "code_version": _version(),
            "pictures": pictures,
            "summary": summary.replace(f"file://{local}", ".local").rstrip() + "\n",
        }
        _command(["clean"], environment)
    RUNS.mkdir(exist_ok=True)
    text = yaml.dump(stored, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)
    (RUNS / f"{name}.yaml").write_text(f"# Written by scripts/readme_runs.py.\n{text}", encoding="utf-8")
    readme_excerpts.main()


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _command(arguments: list[str], environment: dict[str, str]) -> str:
    """Run a command of this machine to its end; returns what it printed."""
    command = [sys.executable, "-W", "ignore", "-m", "segmentation", "local", *arguments]
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return ended.stdout


def _version() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


def _pictures(report: str, as_of: str, environment: dict[str, str], local: Path) -> dict[str, str]:
    """Take the pictures; returns the SHA-256 of each by its name."""
    with running() as browser:
        for name, width, height, scheme, media in REPORT:
            with opened(browser, f"file://{report}", width, scheme) as (page, _):
                page.emulate_media(media=media, color_scheme=scheme)
                page.set_viewport_size({"width": width, "height": height})
                if media == "print":
                    page.evaluate("dispatchEvent(new Event('beforeprint'))")
                page.screenshot(path=IMAGES / f"{name}.png")
        for language, suffix in _languages():
            spoken = {**environment, "SEGMENTATION__LANGUAGE": language}
            if language != "en":  # names and plays are those of the night, in its language
                _command(["run", f"--as-of={as_of}"], spoken)
            with _api_server(spoken, local) as (address, token):
                cookie = {"name": "_token", "value": token, "domain": "127.0.0.1", "path": "/", "expires": -1}
                cookie |= {"httpOnly": True, "secure": False, "sameSite": "Lax"}
                state = {"cookies": [cookie], "origins": []}
                if language == "en":
                    _in_airflow(browser, address, state)
                for name, path, width, height, scheme in PAGES:
                    if name == "movement":
                        day_after = date.fromisoformat(as_of) + timedelta(days=1)
                        _command(["run", f"--as-of={day_after}"], spoken)
                    url = f"{address}/segmentation/{path}"
                    with opened(browser, url, width, scheme, storage_state=state) as (page, _):
                        if name == "audiences":
                            _count_an_audience(page)
                        page.set_viewport_size({"width": width, "height": height})
                        page.screenshot(path=IMAGES / f"{name}{suffix}.png")
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(IMAGES.glob("*.png"))}


def _count_an_audience(page: Page) -> None:
    """Count, of the first segment, who has not ordered for a month."""
    page.locator("main input[type=checkbox]").first.check()
    page.locator("select[name=feature]").first.select_option("recency_days")
    page.locator("input[name=at_least]").first.fill("30")
    page.locator("button[value=count]").click()
    page.locator("dl.figures").wait_for()


def _languages() -> list[tuple[str, str]]:
    """Languages of the pages' pictures and what their names end in; Chinese where a font here can draw it."""
    fonts = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=True).stdout  # noqa: S607
    return [("en", ""), *([("zh", "_zh")] if fonts else [])]


def _in_airflow(browser: Browser, address: str, state: dict[str, Any]) -> None:
    with opened(browser, f"{address}/plugin/segments", 1300, storage_state=state) as (page, _):
        page.set_viewport_size({"width": 1300, "height": 1000})
        page.frame_locator("iframe").locator("article.card").first.wait_for(timeout=60_000)
        page.screenshot(path=IMAGES / "page.png")


@contextmanager
def _api_server(environment: dict[str, str], local: Path) -> Iterator[tuple[str, str]]:
    """Airflow's api-server; its address and the administrator's token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, log = f"http://127.0.0.1:{port}", (local / "log").open("w")
    command = [sys.executable, "-W", "ignore", "-c", SERVE, str(port)]
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603
    try:
        deadline = time.monotonic() + START_SECONDS
        while (token := _token(address, local)) is None:
            if time.monotonic() > deadline:
                raise SystemExit(f"the api-server does not answer:\n{(local / 'log').read_text()[-2000:]}")
            time.sleep(1)
        yield address, token
    finally:
        process.terminate()
        process.wait(60)


def _token(address: str, local: Path) -> str | None:
    file = local / "demo" / "airflow" / "passwords.json"
    if not file.exists():
        return None
    who = {"username": "admin", "password": json.loads(file.read_text())["admin"]}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/auth/token", json.dumps(who).encode(), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)["access_token"]
    except (OSError, ValueError):
        return None


if __name__ == "__main__":
    main(*sys.argv[1:])
