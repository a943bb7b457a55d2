"""Deadline of a night (this module knows Airflow), and what follows when it passes.

A deadline attaches to every run that has a logical date, backfills included, which are overdue at once: what
is called then acts for scheduled runs only. It runs in the triggerer, so that a night that fills every slot
of the executor is found to be late all the same. The interval is one of hours: where the clock changes
between the start of the run and the deadline, that day's alert is an hour off.
"""

from datetime import date, datetime, time, timedelta
from typing import Any

from airflow.sdk import (  # type: ignore[attr-defined]  # public; only the stubs of Airflow 3.3 lack them
    AsyncCallback,
    DeadlineAlert,
    DeadlineReference,
)

from segmentation import settings
from segmentation.dates import as_of
from segmentation.settings import Settings


def of(loaded: Settings, starts: time) -> DeadlineAlert:
    """The deadline of a DAG whose runs are due at `starts`; one before that is on the next day."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=_after(starts, loaded.alerts.deadline),
        callback=AsyncCallback("segmentation.alerts.deadline.missed"),
        name="published in time",
    )


def _after(starts: time, deadline: time) -> timedelta:
    between = datetime.combine(date.min, deadline) - datetime.combine(date.min, starts)
    return between if between > timedelta() else between + timedelta(days=1)


async def missed(context: dict[str, Any]) -> None:
    """Called by the triggerer when a deadline has passed and the run has not ended well."""
    from asgiref.sync import sync_to_async

    from segmentation.alerts import incidents

    run = context["dag_run"]
    if run["run_type"] != "scheduled":
        return
    loaded = settings.load()
    due = datetime.fromisoformat(run["logical_date"] or run["run_after"])
    await sync_to_async(incidents.safely)(
        incidents.late, run, as_of(None, due, due, loaded.tz), f"{loaded.alerts.deadline:%H:%M}"
    )
