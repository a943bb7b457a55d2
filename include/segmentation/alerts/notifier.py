"""Delivery of alerts (this module knows Airflow): a notifier over the library `apprise`.

The Airflow connection `alerts` names the receivers: its password is one apprise URL or several, with white
space between them; further ones may stand in the list `urls` of its extra. https://appriseit.com/services/
has the URL of each service. AppriseHook of Airflow's provider throws away whether delivery worked, so it is
not used.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow.sdk import BaseNotifier, Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from segmentation import progress, settings
from segmentation.alerts import record
from segmentation.alerts.message import Alert, Text, render
from segmentation.warehouse import db, schema
from segmentation.warehouse.db import Database

if TYPE_CHECKING:
    from apprise.plugins.base import NotifyBase

CONNECTION = "alerts"
HARMLESS = {
    "recovered": "success",
    "late": "warning",
    "held": "warning",
    "no_data": "warning",
    "withdrawn": "warning",
}

log = logging.getLogger("segmentation.alerts")


@dataclass(frozen=True)
class Delivery:
    """The delivery of an alert: who took it, and why others did not (without secrets)."""

    delivered_to: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def error(self) -> str | None:
        """The faults as a line."""
        return "; ".join(self.faults) or None


class SegmentationNotifier(BaseNotifier):
    """Sends one alert, once an incident, and keeps what became of it in `quality.alerts`.

    Nothing that goes wrong here reaches the caller: it is logged and recorded.
    """

    def __init__(self, alert: Alert, warehouse: Callable[[], Database]) -> None:
        super().__init__()
        self.alert = alert
        self.warehouse = warehouse

    def notify(self, context: Any) -> None:
        """Send the alert, unless its incident has been told."""
        text = render(self.alert, settings.load().language)
        if not self._claim(text):
            log.info("alert '%s': incident %s has been told already", self.alert.kind, self.alert.incident)
            return
        delivery = deliver(text, HARMLESS.get(self.alert.kind, "failure"))
        _say(text, delivery)
        self._settle(delivery)

    def _claim(self, text: Text) -> bool:
        try:
            warehouse = self.warehouse()
            if _is_older_than_alerts(warehouse):
                schema.migrate(warehouse)
            with warehouse.connect() as conn:
                return record.claim(conn, self.alert, text)
        except Exception as error:  # a warehouse that is down is what the alert may be about
            log.warning("the alert cannot be recorded, and is sent all the same: %s", _first_line(error))
            return True

    def _settle(self, delivery: Delivery) -> None:
        try:
            with self.warehouse().connect() as conn:
                record.settle(conn, self.alert, bool(delivery.delivered_to), delivery.error)
        except Exception as error:
            log.warning("what became of the alert cannot be recorded: %s", _first_line(error))


def _is_older_than_alerts(warehouse: Database) -> bool:
    """A night that fails or is late before its first task has brought the warehouse up to date."""
    with warehouse.connect(readonly=True) as conn:
        return db.scalar(conn, "select to_regclass('operations.locks')") is None


def urls() -> list[str] | None:
    """The receivers that the connection names, masked in every log; None without such a connection."""
    try:
        connection = Connection.get(CONNECTION)
    except AirflowNotFoundException:
        return None
    extra = connection.extra_dejson.get("urls") or []
    addresses = (connection.password or "").split() + ([extra] if isinstance(extra, str) else list(extra))
    for url in addresses:
        mask_secret(url)
    return addresses


def deliver(text: Text, mood: str = "failure") -> Delivery:
    """Send a text to every receiver; whatever goes wrong is in what is returned."""
    try:
        receivers = urls()
    except Exception as error:
        return Delivery(
            faults=(f"the Airflow connection '{CONNECTION}' cannot be read: {_first_line(error)}",)
        )
    if receivers is None:
        return Delivery(faults=(f"there is no Airflow connection '{CONNECTION}'",))
    if not receivers:
        return Delivery(faults=(f"the Airflow connection '{CONNECTION}' names no receiver",))
    delivered_to, faults = [], []
    for number, url in enumerate(receivers, start=1):
        name, fault = _send(url, number, text, mood)
        if fault is None:
            delivered_to.append(name)
        else:
            faults.append(f"{name}: {fault}")
    return Delivery(tuple(delivered_to), tuple(faults))


def _send(url: str, number: int, text: Text, mood: str) -> tuple[str, str | None]:
    """Send to one receiver; returns its name and, when it did not take the alert, why."""
    import apprise

    name = f"receiver {number}"
    with _unheard(), apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as log_of_apprise:
        try:
            receiver = apprise.Apprise.instantiate(url, suppress_exceptions=True)
            if receiver is None:
                return name, "its URL is not one that apprise knows"
            name = f"receiver {number} ({receiver.service_name})"
            if _notify(receiver, text, mood):
                return name, None
            reason = " ".join(log_of_apprise.getvalue().split()) or "not taken"
        except Exception as error:
            reason = _first_line(error)
    return name, _without(url, reason)[:300]


def mail(addresses: Sequence[str], title: str, html: str, pictures: Mapping[str, bytes]) -> Delivery:
    """Mail a page to addresses, one mail each, through the first receiver of the connection that sends mails.

    `pictures` are PNG by the names that the page has them under (`cid:name`). Whatever goes wrong is in what is
    returned, without an address or a secret.
    """
    try:
        server = next((url for url in urls() or [] if url.startswith(("mailto://", "mailtos://"))), None)
    except Exception as error:
        return Delivery(
            faults=(f"the Airflow connection '{CONNECTION}' cannot be read: {_first_line(error)}",)
        )
    if server is None:
        return Delivery(
            faults=(f"the Airflow connection '{CONNECTION}' names no mail server (mailto:// or mailtos://)",)
        )
    delivered_to, faults = [], []
    for number, address in enumerate(addresses, start=1):
        name, fault = f"address {number}", _mail(server, address, title, html, pictures)
        if fault is None:
            delivered_to.append(name)
        else:
            faults.append(f"{name}: {fault}")
    return Delivery(tuple(delivered_to), tuple(faults))


def _mail(server: str, address: str, title: str, html: str, pictures: Mapping[str, bytes]) -> str | None:
    """Reason that a mail was not taken, or None."""
    import apprise
    from apprise.attachment.memory import AttachMemory
    from apprise.plugins.email import NotifyEmail

    with _unheard(), apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as log_of_apprise:
        try:
            parts = NotifyEmail.parse_url(server)
            parts |= {"targets": [address], "cc": "", "bcc": "", "inline": True, "format": "html"}
            sender = apprise.Apprise.instantiate(parts, suppress_exceptions=False)
            if sender is None:
                return "its URL is not one that apprise knows"
            attached = apprise.AppriseAttachment()
            for name, picture in pictures.items():
                attached.add(AttachMemory(content=picture, name=name, mimetype="image/png"))
            envelope = apprise.Apprise()
            envelope.add(sender)
            kind = apprise.NotifyFormat.HTML
            if envelope.notify(body=html, title=title, body_format=kind, attach=attached or None):
                return None
            reason = " ".join(log_of_apprise.getvalue().split()) or "not taken"
        except Exception as error:
            reason = _first_line(error)
    return _without(server, reason).replace(address, "***")[:300]


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep what apprise logs to itself: whole URLs are in it, and whom a mail went to."""
    logger = logging.getLogger("apprise")
    before, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.propagate = before


def _notify(receiver: "NotifyBase", text: Text, mood: str) -> bool:
    """The text as it is, to a service that takes plain text, and converted for the others."""
    import apprise

    envelope = apprise.Apprise()
    envelope.add(receiver)
    return bool(
        envelope.notify(
            body=text.body, title=text.title, notify_type=mood, body_format=apprise.NotifyFormat.TEXT
        )
    )


def _without(url: str, words: str) -> str:
    """A reason without the secrets of the URL: what apprise logs may quote a part of it."""
    address = url.partition("://")[2]
    host = re.split(r"[/:?]", address.rpartition("@")[2] if "@" in address else address)[0]
    pieces = {piece for piece in re.split(r"[/:@?&=,]+", address) if len(piece) > 4} - {host}
    for piece in sorted({url, *pieces, *map(unquote, pieces)}, key=len, reverse=True):
        words = words.replace(piece, "***")
    return words


def _say(text: Text, delivery: Delivery) -> None:
    """Report the delivery to the log and to whoever follows the run; the text where nobody has it."""
    if delivery.delivered_to:
        progress.say(f"alert sent to {', '.join(delivery.delivered_to)}: {text.title}")
    if delivery.error:
        runbook = f"{settings.load().alerts.runbooks}/delivery_failed.md"
        who = (
            "others did not get it"
            if delivery.delivered_to
            else "nobody is told: the alert is in the log only"
        )
        progress.say(f"alert: {who} ({delivery.error}; see {runbook})")
    if not delivery.delivered_to:
        log.warning("the alert:\n%s", text)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
