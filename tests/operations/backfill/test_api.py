"""The client of Airflow's API, beside a server that answers as Airflow does, and as it does on a bad day."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from segmentation.errors import SettingsError
from segmentation.operations.backfill import api
from segmentation.operations.backfill.api import Airflow, Refused

PASSWORD = "right"


class Server(ThreadingHTTPServer):
    """Gives tokens, `numbers` in pages, and what is in `script` before anything else."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.tokens: list[str] = []
        self.script: list[tuple[int, object]] = []
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["password"] != PASSWORD:
            self.answer(401, {"detail": "Invalid credentials"})
            return
        self.server.tokens.append(f"token {len(self.server.tokens)}")
        self.answer(201, {"access_token": self.server.tokens[-1]})

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.headers["Authorization"] not in (f"Bearer {self.server.tokens[-1:][0]}", "Bearer a token"):
            self.answer(401, {"detail": "Invalid or expired token"})
        elif self.server.script:
            self.answer(*self.server.script.pop(0))
        else:
            told = {name: int(value[0]) for name, value in parse_qs(urlsplit(self.path).query).items()}
            page = list(range(250))[told["offset"] : told["offset"] + told["limit"]]
            self.answer(200, {"numbers": page, "total_entries": 250})

    def answer(self, status: int, content: object):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setattr(api, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(api, "PATIENCE_SECONDS", 0.5)
    with Server() as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_a_list_is_read_to_its_last_page_with_one_token(server):
    airflow = Airflow(server.url, "admin", PASSWORD)
    assert list(airflow.pages("numbers", "numbers")) == list(range(250))
    assert (len(server.tokens), len(server.asked)) == (1, 3)


def test_a_token_that_has_run_out_is_followed_by_another(server):
    airflow = Airflow(server.url, "admin", PASSWORD)
    airflow.get("numbers", limit=1, offset=0)
    server.tokens.append("signed anew, by a server that was restarted")
    assert airflow.get("numbers", limit=1, offset=7)["numbers"] == [7]


def test_without_a_user_the_password_is_the_token(server):
    server.tokens.append("another")
    assert Airflow(server.url, None, "a token").get("numbers", limit=1, offset=0)["numbers"] == [0]


def test_a_busy_server_is_asked_again_and_a_silent_one_is_named(server):
    airflow = Airflow(server.url, "admin", PASSWORD)
    server.script = [(503, {}), (500, {}), (200, {"it": "answers"})]
    assert airflow.get("numbers") == {"it": "answers"}
    server.script = [(503, {})] * 1000
    with pytest.raises(SettingsError, match=f"Airflow's API at {server.url} does not answer: .*503"):
        airflow.get("numbers")


def test_nobody_listens():
    with pytest.raises(SettingsError, match="does not answer"):
        Airflow("http://127.0.0.1:9", "admin", PASSWORD).send("POST", "backfills", {})


def test_a_wrong_password_is_said_and_not_shown(server):
    with pytest.raises(SettingsError, match="user admin is refused") as refused:
        Airflow(server.url, "admin", "wrong").get("numbers")
    assert "wrong" not in str(refused.value)


REASONS = [
    pytest.param({"detail": "There is already a running backfill"}, "There is already a running", id="text"),
    pytest.param(
        {"detail": [{"msg": "Value error"}, {"msg": "too large"}]}, "Value error; too large", id="fields"
    ),
    pytest.param(["what"], "409 Conflict", id="nothing that Airflow says"),
]


@pytest.mark.parametrize(("content", "words"), REASONS)
def test_what_airflow_refuses_is_told_in_its_words(content, words, server):
    server.script = [(409, content)]
    with pytest.raises(Refused, match=words) as refused:
        Airflow(server.url, "admin", PASSWORD).get("numbers")
    assert refused.value.status == 409
