"""Looks at personal data in the UI, kept with who looked, and names that people give (this module knows Airflow).

The role of the pages can write nothing; what is written here is written as the nights write.
"""

from datetime import date

import psycopg2
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

from segmentation.errors import DecisionError, NoAnswer, SettingsError
from segmentation.language.texts import t
from segmentation.ui.reading import Customer, UnavailableError
from segmentation.ui.withdrawing import writable
from segmentation.warehouse import db

KEEP = """
    insert into operations.access_log (who, what, as_of_date, segment_id, audience_id, customers)
    values (%(who)s, %(what)s, %(as_of_date)s, %(segment_id)s, %(audience_id)s, %(customers)s)
"""
RENAME = """
    insert into segments.segment_name_overrides (segment_id, name, set_by)
    values (%(segment_id)s, %(name)s, %(who)s)
    on conflict (segment_id) do update set name = excluded.name, set_by = excluded.set_by, set_at = now()
"""


def keep(
    user: BaseUser,
    what: str,
    as_of_date: date,
    segment_id: int | None,
    customers: int,
    audience_id: str | None = None,
) -> None:
    """Keep that somebody saw customers of a segment or a saved audience; nobody sees what cannot be kept.

    Raises
    ------
    UnavailableError
        When the warehouse does not take it.
    """
    _write(
        KEEP,
        {
            "who": user.get_name(),
            "what": what,
            "as_of_date": as_of_date,
            "segment_id": segment_id,
            "audience_id": audience_id,
            "customers": customers,
        },
    )


def keep_look_up(user: BaseUser, as_of_date: date | None, customer: Customer | None) -> None:
    """Keep that somebody looked a customer up.

    Raises
    ------
    UnavailableError
        When the warehouse does not take it.
    """
    _write(
        KEEP,
        {
            "who": user.get_name(),
            "what": "look-up",
            "as_of_date": as_of_date,
            "segment_id": customer.segment.segment_id if customer else None,
            "audience_id": None,
            "customers": 1 if customer else 0,
        },
    )


def rename(user: BaseUser, segment_id: int, name: str) -> None:
    """Give a segment a name, for every reader at once; none: the one made from its profile again.

    Raises
    ------
    DecisionError
        Another segment has been given that name.
    UnavailableError
        When the warehouse does not take it.
    """
    query = (
        RENAME if name else "delete from segments.segment_name_overrides where segment_id = %(segment_id)s"
    )
    _write(query, {"segment_id": segment_id, "name": name, "who": user.get_name()})


def _write(query: str, params: dict[str, object]) -> None:
    try:
        with writable().connect() as conn:
            db.execute(conn, query, params)
    except psycopg2.errors.UniqueViolation:
        raise DecisionError(t("another segment has been given that name already")) from None
    except (NoAnswer, SettingsError) as error:
        raise UnavailableError(str(error)) from None
    except psycopg2.Error as error:
        raise UnavailableError(f"the warehouse refused: {type(error).__name__}") from None
