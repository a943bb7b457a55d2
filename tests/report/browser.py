"""A headless Chromium, driven through its debugging pipe; nothing to install beside the browser."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIMEOUT = 60


def found() -> str:
    """The browser's path; the test is skipped where there is none."""
    told = os.environ.get("SEGMENTATION_TEST_BROWSER")
    path = told or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(
            f"no browser: none of {', '.join(NAMES)} is installed (SEGMENTATION_TEST_BROWSER names one)"
        )
    return path


class Browser:
    """One page of one browser. Use it in a `with`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.events: list[dict[str, Any]] = []
        self.number = 0

    def __enter__(self) -> "Browser":
        self.profile = tempfile.mkdtemp(prefix="seg-browser-")
        read_theirs, write_ours = os.pipe()
        read_ours, write_theirs = os.pipe()
        flags = (
            "--headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run --remote-debugging-pipe"
        )
        command = f'exec "$0" {flags} --user-data-dir="$1" about:blank 3<&{read_theirs} 4>&{write_theirs}'
        self.process = subprocess.Popen(
            ["bash", "-c", command, self.path, self.profile],
            pass_fds=(read_theirs, write_theirs),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_theirs)
        os.close(write_theirs)
        self.into, self.out = os.fdopen(write_ours, "wb", buffering=0), os.fdopen(read_ours, "rb")
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(TIMEOUT)
        self.into.close()
        self.out.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    session: str | None = None

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the DevTools protocol, and its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.into.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self.out.read(1)) not in (b"\0", b""):
            text += byte
        if not text:
            raise RuntimeError("the browser has ended")
        return json.loads(text)

    def open(self, file: Path, width: int = 1200, scheme: str = "light", media: str = "") -> None:
        """Open a file at a width of the window, and wait until it is drawn."""
        mobile = width < 600
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=mobile
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", media=media, features=features)
        self.send("Page.navigate", url=file.resolve().as_uri())
        end = time.monotonic() + TIMEOUT
        while self.run("document.readyState") != "complete" and time.monotonic() < end:
            time.sleep(0.05)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def screenshot(self, file: Path, selector: str = "html") -> None:
        """A picture of an element, in full."""
        box = self.run(
            f"(() => {{ const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            "return {x: r.left, y: r.top + scrollY, width: r.width, height: r.height, scale: 1} })()"
        )
        picture = self.send("Page.captureScreenshot", clip=box, captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(picture["data"]))

    def errors(self) -> list[str]:
        """What went to the console as an error or a warning, and exceptions."""
        found = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"]["text"])
            if method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
            if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(str(params["args"]))
        return found

    def requests(self) -> list[str]:
        """Every address that was asked for."""
        sent = (event for event in self.events if event.get("method") == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in sent]
