"""Membership: who entered a segment, who left it, and since when, for systems that follow."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from segmentation.applications import Application, Progress
from segmentation.errors import NoAnswer, UserError
from segmentation.runs.night import Night
from segmentation.runs.register import Run
from segmentation.settings import Settings
from segmentation.warehouse import db

NAME = "membership"
SHOWN = 14  # dates of the section


def prepare(night: Night, progress: Progress) -> dict[str, Any]:
    """Take in dates that were missed; what is published tonight follows with the publication."""
    from segmentation.applications.membership import history

    missed = history.catch_up(night.warehouse, night.settings.applications.membership.keep_days, progress)
    return {"dates_taken_in": len(missed)}


def publish(conn: db.Connection, night: Night) -> None:
    """Let intervals and changes follow the date that is being published."""
    from segmentation.applications.membership import history

    history.publish(conn, night.as_of_date, night.run_id)


def withdraw(conn: db.Connection, day: date) -> None:
    """Let intervals and changes be as if the date had never been published."""
    from segmentation.applications.membership import history

    history.withdraw(conn, day)


def section(conn: db.Connection, run: Run) -> dict[str, Any] | None:
    """Counts of who came, went and moved on the last dates, the newest first."""
    dates = db.rows(
        conn,
        "select as_of_date, entered, gone, moved from segments.membership_dates "
        "where is_published and as_of_date <= %(as_of_date)s order by as_of_date desc limit %(shown)s",
        {**run.params, "shown": SHOWN},
    )
    return {"dates": dates} if dates and dates[0]["as_of_date"] == run.as_of_date else None


def expire(conn: db.Connection, settings: Settings, newest: date) -> int:
    """Forget intervals that ended long ago; returns how many."""
    from segmentation.applications.membership import history

    return history.prune(conn, newest - timedelta(days=settings.applications.membership.keep_days))


def tell(warehouse: db.Database, settings: Settings, progress: Callable[[str], None]) -> None:
    """Tell the webhook of what has changed, where there is one; nothing that goes wrong reaches the caller."""
    if not settings.applications.membership.webhook or NAME in settings.applications.off:
        return
    from segmentation.applications.membership import webhook
    from segmentation.runs import connections

    try:
        key = connections.password("membership_webhook")
        webhook.deliver(warehouse, settings.shop.name, settings.applications.membership, key, progress)
    except (UserError, NoAnswer) as error:
        progress(f"membership: the webhook was not told: {error}")


APPLICATION = Application(
    name=NAME,
    heading="Who came and who left",
    tables=(),  # the dates around a date have their part in it: `withdraw`
    prepare=prepare,
    publish=publish,
    section=section,
    tell=tell,
    expire=expire,
    withdraw=withdraw,
)
