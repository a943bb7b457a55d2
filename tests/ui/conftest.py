"""A real api-server of Airflow with three published dates behind it: made once for all tests of the UI."""

import json
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import jwt
import pytest

from segmentation.warehouse import schema
from tests import browser as browsers
from tests.alerts.receivers import wait_until
from tests.keys import fix_the_key
from tests.machine import Machine, machine_with
from tests.report import sample

EARLIER = date(2025, 5, 1)
START_SECONDS = 600

# The api-server alone, as `make up` starts it.
SERVE = """
import subprocess, sys
from segmentation.local import home as homes, services
home = homes.find("", "", "", "")
environment = {**homes.airflow_environment(home, home.start_server()), **services.addresses(int(sys.argv[1]))}
prepare = "from segmentation.local.one_night import prepare_metadata as p; p()"
subprocess.run([sys.executable, "-W", "ignore", "-c", prepare], env=environment, check=True)
serve = [sys.executable, "-W", "ignore", "-m", services.ONE_VERSION, "api-server"]
subprocess.run(serve, env=environment, check=True)
"""


@dataclass(frozen=True)
class Answer:
    """Status, headers and body."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> dict:
        """The body, parsed."""
        return json.loads(self.text)


@dataclass(frozen=True)
class Server:
    """The api-server, and whose tokens it takes."""

    address: str
    machine: Machine
    token: str

    @property
    def pages(self) -> str:
        """Address of the pages of this project."""
        return f"{self.address}/segmentation"

    @property
    def nobody(self) -> str:
        """A token as the server signs them, of somebody who may do nothing."""
        return self.who("nobody", None)

    def who(self, name: str, role: str | None) -> str:
        """A token as the server signs them, of somebody in a role."""
        secrets = json.loads((self.machine.folder / "demo" / "airflow" / "secrets.json").read_text())
        claims = jwt.decode(self.token, options={"verify_signature": False})
        header = jwt.get_unverified_header(self.token)
        secret = secrets["AIRFLOW__API_AUTH__JWT_SECRET"]
        return jwt.encode({**claims, "sub": name, "role": role}, secret, header["alg"], header)

    def ask(self, path: str, method: str = "GET", body: dict | None = None) -> Answer:
        """A request with the administrator's token."""
        return self.ask_as(self.token, path, method, body)

    def ask_as(
        self, token: str | None, path: str, method: str = "GET", body: dict | None = None, **headers: str
    ) -> Answer:
        """A request with a token, or with none."""
        sent = json.dumps(body) if body is not None else None
        return self.send(token, path, sent, method, **{"Content-Type": "application/json", **headers})

    def send(
        self, token: str | None, path: str, sent: str | None, method: str = "POST", **headers: str
    ) -> Answer:
        """A request with a body as it is: a form, say."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = None if sent is None else sent.encode()
        request = urllib.request.Request(f"{self.pages}/{path}", body, headers, method=method)  # noqa: S310
        opener = urllib.request.build_opener(_Stay)
        try:
            with opener.open(request, timeout=60) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read().decode())


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirection is an answer, too."""

    def redirect_request(self, *_: object) -> None:
        return None


@pytest.fixture(scope="session")
def server(prepared_shop, warm) -> Iterator[Server]:
    """The api-server; stopped at the end."""
    with machine_with(prepared_shop, "demo") as machine:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        store = machine.folder / "store"
        warehouse = machine.warehouse("demo")
        log = (machine.folder / "log").open("w")
        environment = {**machine.environment, "SEGMENTATION__RUN__ARTIFACTS": f"file://{store}"}
        process = warm.popen(
            [sys.executable, "-W", "ignore", "-c", SERVE, str(port)], env=environment, stdout=log, stderr=log
        )
        try:
            schema.migrate(warehouse)
            with warehouse.connect() as conn:
                fix_the_key(conn)
            nights = None
            for day in (EARLIER, sample.BEFORE, sample.TODAY):
                nights = sample.publish(sample.night(warehouse, store, day), nights)
            address = f"http://127.0.0.1:{port}"
            wait_until(lambda: _token(address, machine) is not None, START_SECONDS, "the api-server")
            yield Server(address, machine, _token(address, machine))
        finally:
            process.terminate()
            process.wait(180)


def _token(address: str, machine: Machine) -> str | None:
    file = machine.folder / "demo" / "airflow" / "passwords.json"
    if not file.exists():
        return None
    who = {"username": "admin", "password": json.loads(file.read_text())["admin"]}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/auth/token", json.dumps(who).encode(), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)["access_token"]
    except (urllib.error.URLError, OSError, ValueError):
        return None


@pytest.fixture(scope="package")
def browser():
    """One for all files; each test has a context of its own."""
    with browsers.running() as running:
        yield running


@pytest.fixture(scope="module")
def session(server):
    """State of a browser after logging in: the cookie."""
    cookie = {"name": "_token", "value": server.token, "domain": "127.0.0.1", "path": "/", "expires": -1}
    cookie |= {"httpOnly": True, "secure": False, "sameSite": "Lax"}
    return {"storage_state": {"cookies": [cookie], "origins": []}}
