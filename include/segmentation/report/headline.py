"""The headline of a published date as a mail to whoever subscribed to it: segments, sums and shares, no customer.

Sent when the newest date is published, once a week or when something changed (`headline` in the settings), through
the mail server that the Airflow connection `alerts` names. Whatever goes wrong is said and recorded, and fails nothing.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmentation import report
from segmentation.language.texts import speaking, t
from segmentation.report import data, pictures
from segmentation.report.data import Facts
from segmentation.runs import links
from segmentation.runs.night import Night
from segmentation.settings import Headline
from segmentation.warehouse import db

TEMPLATES = Path(__file__).parent / "templates"
PAGE = "segments"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mail:
    """Title, the body as HTML, and its pictures by name."""

    title: str
    html: str
    pictures: dict[str, bytes]


def send(night: Night, progress: Callable[[str], None]) -> None:
    """Mail the headline of a date that was published, where somebody wants it and it is due.

    Nothing that goes wrong reaches the caller.
    """
    headline = night.settings.headline
    if not headline.to:
        return
    try:
        _send(night, headline, progress)
    except Exception as error:  # readers have their segments all the same
        log.exception("the headline of %s was not mailed", night.as_of_date)
        progress(
            f"headline: it was not mailed ({type(error).__name__}: the task's log has more); the segments are "
            "published, and it is tried again with the next date"
        )


def _send(night: Night, headline: Headline, progress: Callable[[str], None]) -> None:
    from segmentation.alerts import notifier

    facts = data.read(night)
    if headline.when == "change" and not has_changed(facts, headline.min_change):
        return
    params = {**night.params, "is_weekly": headline.when == "weekly"}
    with night.warehouse.connect() as conn:
        if not db.run_file(conn, "alerts/claim_headline.sql", params):
            return
    with speaking(night.settings.language):
        message = mail(facts)
    done = notifier.mail(headline.to, message.title, message.html, message.pictures)
    settled = {**night.params, "taken": len(done.delivered_to), "fault": done.error}
    query = "update operations.headline_mails set taken = %(taken)s, fault = %(fault)s "
    query += "where as_of_date = %(as_of_date)s"
    with night.warehouse.connect() as conn:
        db.execute(conn, query, settled)
    progress(f"headline: mailed to {len(done.delivered_to)} of {len(headline.to)} addresses")
    if done.error:
        progress(f"headline: {done.error}")


def has_changed(facts: Facts, least: float) -> bool:
    """A segment came or went, or one has grown or shrunk by at least such a share, since the date before."""
    if any(event["event"] != "survive" for event in facts.events):
        return True
    sizes = ((segment.customers, segment.before) for segment in facts.segments)
    return any(before and abs(now - before) / before >= least for now, before in sizes)


def mail(facts: Facts) -> Mail:
    """The mail, in the language in force."""
    drawn: dict[str, bytes] = {}
    for segment in facts.segments:
        if picture := pictures.trend(segment.trend, segment.colour):
            drawn[f"segment_{segment.segment_id}.png"] = picture
    shown: dict[str, Any] = {"pictures": drawn, "ink": pictures.ink, "link": links.url(PAGE)}
    html = report.environment(facts.currency).get_template("mail.html.j2").render(facts=facts, **shown)
    title = t("{shop}: {n} segments on {date}", shop=facts.shop, n=len(facts.segments), date=facts.as_of_date)
    return Mail(title, html, drawn)
