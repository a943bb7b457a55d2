"""Airflow's REST API, as much of it as a backfill needs: an Airflow anywhere, by its address and a log-in."""

import time
from collections.abc import Generator, Iterator
from typing import Any

import httpx

from segmentation.errors import SettingsError

PATIENCE_SECONDS = 120  # how long a server that does not answer is asked again
PAUSE_SECONDS = 2
TIMEOUT = httpx.Timeout(30, read=300)  # a backfill's runs are all made before it is answered
PAGE = 100


class _Token(httpx.Auth):
    """A token for user and password, asked for when there is none or it has run out.

    Without a user the password is the token, as services that host Airflow give it.
    """

    requires_response_body = True

    def __init__(self, url: str, user: str | None, password: str):
        self._login = httpx.URL(f"{url}/auth/token")
        self._user, self._password = user, password
        self._token = None if user else password

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._token is None:
            yield from self._log_in()
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED and self._user:
            yield from self._log_in()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _log_in(self) -> Generator[httpx.Request, httpx.Response, None]:
        body = {"username": self._user, "password": self._password}
        response = yield httpx.Request("POST", self._login, json=body)
        if response.is_server_error:
            response.request = httpx.Request("POST", self._login)
            response.raise_for_status()
        if response.is_error:
            raise SettingsError(f"{self._login}: user {self._user} is refused ({response.status_code})")
        self._token = response.json()["access_token"]


class Refused(SettingsError):
    """Airflow has understood what was asked, and says no."""

    def __init__(self, status: int, why: str):
        super().__init__(f"Airflow refuses: {why}")
        self.status = status


class Airflow:
    """A client of one Airflow.

    Parameters
    ----------
    url : address of the api-server, without a path
    user : name of a user who may make backfills; None where `password` is a token
    """

    def __init__(self, url: str, user: str | None, password: str):
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v2", auth=_Token(self.url, user, password), timeout=TIMEOUT
        )

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer of a path; a server that is starting or busy is asked again for two minutes.

        Raises
        ------
        SettingsError
            When it does not answer.
        Refused
            When it answers with an error.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._ask("GET", path, params=parameters)
            except SettingsError:
                raise
            except (httpx.TransportError, httpx.HTTPStatusError) as error:
                if time.monotonic() > deadline:
                    raise self._gone(error) from None
            time.sleep(PAUSE_SECONDS)

    def pages(self, path: str, key: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """The entries of a list, over all its pages."""
        offset = 0
        while True:
            page = self.get(path, limit=PAGE, offset=offset, **parameters)
            yield from page[key]
            offset += len(page[key])
            if not page[key] or offset >= page["total_entries"]:
                return

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask for a change, once.

        Raises
        ------
        SettingsError
            When the server does not answer.
        Refused
            When it says no.
        """
        try:
            return self._ask(method, path, json=body)
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            raise self._gone(error) from None

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = self._http.request(method, path, **options)
        if response.is_server_error:
            response.raise_for_status()
        if response.is_error:
            raise Refused(response.status_code, _reason(response))
        return response.json()

    def _gone(self, error: httpx.HTTPError) -> SettingsError:
        return SettingsError(f"Airflow's API at {self.url} does not answer: {error or type(error).__name__}")


def _reason(response: httpx.Response) -> str:
    """Airflow's words for an error: a sentence, or one for each field."""
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"{response.status_code} {response.reason_phrase}"
    if isinstance(detail, list):
        return "; ".join(str(one.get("msg", one)) if isinstance(one, dict) else str(one) for one in detail)
    return str(detail)
