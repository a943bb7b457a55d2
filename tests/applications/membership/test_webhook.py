"""The webhook: signed counts to a real receiver, told again until it is taken, once for who knows the id."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from segmentation.applications.membership import webhook
from segmentation.errors import SettingsError
from segmentation.settings.applications import Membership
from tests.applications.membership.test_history import FIRST, Dates, dates
from tests.small_shop import progress_list, silent

__all__ = ["dates"]  # the fixture
KEY = "a key of the shop"


@dataclass
class Receiver:
    """Requests that came, and what they are answered, in order; then 204."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def settings(self) -> Membership:
        return Membership(webhook=f"http://127.0.0.1:{self.port}/hooks/T0KEN", webhook_seconds=2)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """An HTTP endpoint on a free port."""
    taken = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(taken.answers.pop(0) if taken.answers else 204)
            self.send_header("Location", f"http://127.0.0.1:{taken.port}/elsewhere")
            self.end_headers()

        def log_message(self, *_) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield taken
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def told() -> Iterator[Receiver]:
    with receiver() as taken:
        yield taken


def deliver(dates: Dates, settings: Membership, key: str = KEY, progress=silent) -> webhook.Delivery:
    return webhook.deliver(dates.warehouse, "tiny", settings, key, progress, sleep=silent)


def test_each_changed_date_is_told_once_signed_and_without_persons(dates, told):
    dates.publish(FIRST, {"customer-1": 1, "customer-2": 1})
    dates.publish(FIRST + timedelta(days=1), {"customer-1": 2})
    assert deliver(dates, told.settings) == webhook.Delivery(delivered=(1, 2))
    assert deliver(dates, told.settings) == webhook.Delivery()
    bodies = [json.loads(body) for _, body in told.requests]
    assert bodies[1] == {
        "type": "membership.changed",
        "shop": "tiny",
        "as_of_date": "2024-03-02",
        "version": 2,
        "run_id": "run-2",
        "is_published": True,
        "counts": {"entered": 0, "gone": 1, "moved": 1},
        "link": None,
    }
    assert b"customer-" not in b"".join(body for _, body in told.requests)
    for headers, body in told.requests:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert [headers["webhook-id"] for headers, _ in told.requests] == [
        "tiny-membership-1",
        "tiny-membership-2",
    ]


def test_a_date_that_is_run_again_or_withdrawn_is_told_with_a_new_id(dates, told):
    second = FIRST + timedelta(days=1)
    dates.publish(FIRST, {"a": 1})
    dates.publish(second, {"a": 1})
    deliver(dates, told.settings)
    dates.publish(FIRST, {"a": 2})
    dates.withdraw(second)
    deliver(dates, told.settings)
    bodies = [json.loads(body) for _, body in told.requests[2:]]
    assert [(body["as_of_date"], body["is_published"]) for body in bodies] == [
        ("2024-03-01", True),
        ("2024-03-02", False),
    ]
    assert len({headers["webhook-id"] for headers, _ in told.requests}) == len(told.requests) == 4


def test_what_fails_for_a_moment_is_tried_again_with_the_same_id(dates, told):
    told.answers = [503, 429]
    dates.publish(FIRST, {"a": 1})
    assert deliver(dates, told.settings).delivered == (1,)
    assert len(told.requests) == 3
    assert len({headers["webhook-id"] for headers, _ in told.requests}) == 1


@pytest.mark.parametrize(("answer", "requests"), [(400, 1), (302, 1), (500, 3)])
def test_what_is_refused_is_kept_and_told_the_next_time(dates, told, answer, requests):
    told.answers = [answer] * requests
    dates.publish(FIRST, {"a": 1})
    said, progress = progress_list()
    found = deliver(dates, told.settings, progress=progress)
    assert (found.delivered, found.fault) == ((), f"it answered {answer}")
    assert len(told.requests) == requests
    assert "T0KEN" not in "".join(said) and "2024-03-01" in said[0]
    query = "select version, tries, fault, told_at is null from operations.membership_webhook"
    assert dates.see(query) == [(1, 1, f"it answered {answer}", True)]
    assert deliver(dates, told.settings).delivered == (1,)
    assert dates.see(query) == [(1, 2, None, False)]


def test_nobody_there_and_somebody_who_never_ends_are_given_up_in_time(dates):
    dates.publish(FIRST, {"a": 1})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = Membership(webhook=f"http://127.0.0.1:{free.getsockname()[1]}/", webhook_tries=2)
        assert deliver(dates, nobody).fault == "no answer (ConnectError)"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                for letter in "HTTP/1.1 200 OK\r\nx: " + "y" * 10_000:
                    try:
                        connection.sendall(letter.encode())
                    except OSError:
                        return
                    time.sleep(0.1)

        threading.Thread(target=drip, daemon=True).start()
        slow = Membership(
            webhook=f"http://127.0.0.1:{server.getsockname()[1]}/", webhook_seconds=1, webhook_tries=1
        )
        began = time.monotonic()
        assert deliver(dates, slow).fault == "no answer (TimeoutError)"
        assert time.monotonic() - began < 60


def test_a_key_in_base64_is_what_it_stands_for_and_no_key_is_a_fault_in_words(dates, told):
    dates.publish(FIRST, {"a": 1})
    deliver(dates, told.settings, key="whsec_" + base64.b64encode(b"raw").decode())
    headers, body = told.requests[0]
    event, timestamp = headers["webhook-id"], int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == webhook.signature(b"raw", event, timestamp, body)
    for key in ("", "whsec_%%%"):
        with pytest.raises(SettingsError, match="membership_webhook"):
            deliver(dates, told.settings, key=key)
