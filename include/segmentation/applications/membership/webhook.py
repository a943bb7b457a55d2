"""The webhook: an address is told that the changes of a date are there, or others than before; never of whom.

A request is signed as https://www.standardwebhooks.com says: the headers `webhook-id`, `webhook-timestamp`
and `webhook-signature`, HMAC-SHA256 over the three parts `id.timestamp.body`. The id is that of a version of a
date, so that whoever takes a request twice knows it. What was not taken is told again the next time.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from segmentation.errors import SettingsError
from segmentation.runs import links
from segmentation.settings.applications import Membership
from segmentation.warehouse import db

PREFIX = "whsec_"  # of a key in base64, as other senders of such webhooks hand them out
PAUSE_SECONDS = 1.0  # before the second try; twice that before the third, and so on
PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


@dataclass(frozen=True)
class Delivery:
    """Versions of dates that the address has taken, and why it has not taken the next one."""

    delivered: tuple[int, ...] = ()
    fault: str | None = None


def deliver(
    warehouse: db.Database,
    shop: str,
    settings: Membership,
    key: str,
    progress: Callable[[str], None] = print,
    sleep: Callable[[float], None] = time.sleep,
) -> Delivery:
    """Tell the address of every version it has not taken, in order; the first that it does not take ends it.

    Raises
    ------
    SettingsError
        When the key is empty or is no base64 after `whsec_`.
    """
    secret = _secret(key)
    with warehouse.connect(readonly=True) as conn:
        query = db.statement("applications/membership/undelivered.sql")
        untold = db.rows(conn, query, {"days": settings.webhook_days})
    delivered: list[int] = []
    for row in untold:
        event = f"{shop}-membership-{row['version']}"
        fault = _send(settings, event, _body(shop, row), secret, sleep)
        with warehouse.connect() as conn:
            params = {"version": row["version"], "as_of_date": row["as_of_date"], "fault": fault}
            db.run_file(conn, "applications/membership/delivery.sql", params)
        if fault:
            progress(
                f"membership: the webhook was not told of {row['as_of_date']}: {fault}; it is told again later"
            )
            return Delivery(tuple(delivered), fault)
        delivered.append(row["version"])
    if delivered:
        progress(f"membership: the webhook was told of {len(delivered)} dates")
    return Delivery(tuple(delivered))


def _secret(key: str) -> bytes:
    if not key:
        raise SettingsError(
            "applications.membership.webhook is set, and there is no key to sign with: the password of the Airflow "
            "connection 'membership_webhook'"
        )
    if not key.startswith(PREFIX):
        return key.encode()
    try:
        return base64.b64decode(key.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise SettingsError(
            f"the password of the Airflow connection 'membership_webhook' is no base64 after {PREFIX}"
        ) from None


def _body(shop: str, row: dict[str, Any]) -> bytes:
    """Counts, and where to look; of each change nothing."""
    message = {
        "type": "membership.changed",
        "shop": shop,
        "as_of_date": row["as_of_date"].isoformat(),
        "version": row["version"],
        "run_id": row["run_id"],
        "is_published": row["is_published"],
        "counts": {name: row[name] for name in ("entered", "gone", "moved")},
        "link": links.url(f"movement?to={row['as_of_date']}") or None,
    }
    return json.dumps(message, separators=(",", ":")).encode()


def signature(secret: bytes, event: str, timestamp: int, body: bytes) -> str:
    """The value of the header `webhook-signature`."""
    signed = f"{event}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def _send(
    settings: Membership, event: str, body: bytes, secret: bytes, sleep: Callable[[float], None]
) -> str | None:
    """Try a few times; returns why it was not taken, without anything of the address."""
    fault: str | None = None
    for attempt in range(settings.webhook_tries):
        if attempt:
            sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
        status, fault = _post(settings, event, body, secret)
        if fault is None or not (status is None or status >= 500 or status in PASSING):
            return fault
    return fault


def _post(settings: Membership, event: str, body: bytes, secret: bytes) -> tuple[int | None, str | None]:
    """One request; its status, where there was an answer, and its fault, where it was not taken."""
    timestamp = int(time.time())
    headers = {
        "content-type": "application/json",
        "user-agent": "customer-segmentation",
        "webhook-id": event,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, event, timestamp, body),
    }
    try:
        status = asyncio.run(_ask(settings, body, headers))
    except (httpx.HTTPError, TimeoutError) as error:
        return None, f"no answer ({type(error).__name__})"
    return status, None if 200 <= status < 300 else f"it answered {status}"


async def _ask(settings: Membership, body: bytes, headers: dict[str, str]) -> int:
    """The status; the time limit is one for the whole, and not for each byte that comes."""
    async with (
        asyncio.timeout(settings.webhook_seconds),
        httpx.AsyncClient(timeout=settings.webhook_seconds, follow_redirects=False) as client,
        client.stream("POST", settings.webhook, content=body, headers=headers) as answer,
    ):
        return answer.status_code
