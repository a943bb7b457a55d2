"""A published date that is taken back in the UI (this module knows Airflow), as `make withdraw` does it.

By whoever may decide about a held night: the right to answer a task that asks (`PUT` on the HITL details of
the DAG). Who it was, when and why is kept with the runs of the date, and told.
"""

import logging
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlsplit

import psycopg2
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import Depends, HTTPException, Request

from segmentation import alerts, applications, settings
from segmentation.applications import audiences
from segmentation.applications.campaigns import lists
from segmentation.errors import NoAnswer, SettingsError
from segmentation.publishing import withdrawal
from segmentation.publishing.withdrawal import Withdrawn
from segmentation.runs import connections, dag_ids
from segmentation.ui.reading import UnavailableError
from segmentation.warehouse import db

NO_RIGHT = "To take a date back is for whoever may decide about held nights of the DAG customer_segmentation."
FROM_ELSEWHERE = "The form is not one of these pages: open the page of the date, and take it back from there."
WAIT_SECONDS = 10  # for a publication that is under way; a person waits no longer for a page
NOTE = r"^[^\x00]*[^\s\x00][^\x00]*$"
"""A reason: it says something, and a NUL can be in no text of Postgres."""
NOTE_CHARACTERS = 500

log = logging.getLogger(__name__)


def may(user: GetUserDep) -> bool:
    """True for a user who may decide about a held night, and so take a date back."""
    return get_auth_manager().is_authorized_dag(
        method="PUT",
        access_entity=DagAccessEntity.HITL_DETAIL,
        details=DagDetails(id=dag_ids.NIGHT),
        user=user,
    )


def whoever_may(user: GetUserDep) -> BaseUser:
    """The user, who may.

    Raises
    ------
    HTTPException
        403 for anybody else.
    """
    if not may(user):
        raise HTTPException(403, NO_RIGHT)
    return user


def from_our_pages(request: Request) -> None:
    """Refuse a form of another site that a browser sends with the cookie of its user.

    Raises
    ------
    HTTPException
        403 where the browser says so. A program says neither.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = {request.headers.get("host"), request.headers.get("x-forwarded-host")}
    elsewhere = origin is not None and urlsplit(origin).netloc not in ours
    if elsewhere if site is None else site not in ("same-origin", "none"):
        raise HTTPException(403, FROM_ELSEWHERE)


Decides = Annotated[bool, Depends(may)]
Deciding = Annotated[BaseUser, Depends(whoever_may)]


@dataclass(frozen=True)
class Remaining:
    """The date that readers will see without another (None: nothing), and the number of dates after it."""

    newest: date | None
    later: int


def remaining(conn: db.Connection, day: date) -> Remaining:
    """Facts to be known before a date is withdrawn."""
    return Remaining(**db.one(conn, db.statement("ui/without.sql"), {"as_of_date": day}))


def withdraw(day: date, by: str, note: str) -> Withdrawn:
    """Take a date back, tell, and let exported audiences be those of the date before.

    Raises
    ------
    DecisionError
        When it cannot be; nothing was changed then.
    UnavailableError
        When the warehouse does not answer, or cannot be written to from here.
    """
    try:
        warehouse = writable()
        done = withdrawal.withdraw(warehouse, day, by, note, beside=applications.delete)
    except (NoAnswer, SettingsError) as error:
        raise UnavailableError(str(error)) from None
    except psycopg2.Error as error:
        raise UnavailableError(f"the warehouse refused: {type(error).__name__}") from None
    alerts.withdrawn(day, done.run_id, by, note)
    _take_back_audiences(warehouse, day)
    return done


def tell() -> None:
    """Let applications tell other systems that a date was withdrawn; for after the answer of a page."""
    try:
        applications.tell(writable(), settings.load(), log.info)
    except Exception:
        log.exception("other systems were not told that a date is withdrawn: the next night tells them")


def writable() -> db.Database:
    """The warehouse as the nights have it: the UI's own role can write nothing."""
    database = connections.database("warehouse")
    quick: dict[str, Any] = {"recover_seconds": 0, "wait_seconds": WAIT_SECONDS, "lock_seconds": WAIT_SECONDS}
    return replace(database, limits=database.limits.model_copy(update=quick))


def _take_back_audiences(warehouse: db.Database, day: date) -> None:
    """Take exports of the date away; a folder that cannot be written to from here does not change that."""
    try:
        audiences.take_back(warehouse, connections.audiences(), settings.load(), day, log.info)
        lists.take_back(warehouse, connections.audiences(), settings.load(), day, log.info)
    except Exception:
        log.exception("the exported audiences of %s are still there: run `make audiences`", day)
