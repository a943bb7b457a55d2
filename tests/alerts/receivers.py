"""Real receivers of alerts on this machine: an SMTP server, and an HTTP endpoint."""

import email
import email.policy
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Mailbox:
    """Mails that the SMTP server took."""

    port: int = 0
    mails: list[email.message.EmailMessage] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The receiver as apprise names it."""
        return f"mailto://localhost:{self.port}?from=airflow@shop.test&to=oncall@shop.test&mode=insecure"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 taken"

    @staticmethod
    def text(mail: email.message.EmailMessage) -> str:
        """The part of a mail that a person reads."""
        return mail.get_body(("plain", "html")).get_content()


class AnyPort(Controller):
    """A server on the port that is free, where it says hello before it is used."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@dataclass
class Hook:
    """Requests that the HTTP endpoint took; `answer` is its response."""

    port: int = 0
    answer: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The receiver as apprise names it, with a token in its path."""
        return f"json://localhost:{self.port}/hooks/T0KENsecret"


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """An SMTP server on a free port."""
    box = Mailbox()
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # the server's own, line by line
    controller = AnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        box.port = controller.port
        yield box
    finally:
        controller.stop()


@contextmanager
def hook() -> Iterator[Hook]:
    """An HTTP endpoint on a free port."""
    taken = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if taken.answer == 200:
                taken.bodies.append(json.loads(body))
            self.send_response(taken.answer)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        server.shutdown()
        server.server_close()


def wait_until(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until something has arrived."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.5)
