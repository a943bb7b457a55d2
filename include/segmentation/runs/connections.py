"""Airflow's side of the stages (this module knows Airflow): connections, storage, the run's reference.

Between tasks only a reference travels: `{"run_id": ..., "as_of_date": ...}`.
"""

from datetime import date
from typing import Any

from airflow.sdk import Connection, ObjectStoragePath

from segmentation import settings
from segmentation.errors import SettingsError
from segmentation.runs.night import Night
from segmentation.settings import INCLUDE
from segmentation.warehouse.db import KEPT_EXTRAS, Database


def database(conn_id: str) -> Database:
    """The database of an Airflow connection (`shop` or `warehouse`).

    Raises
    ------
    SettingsError
        When there is no such connection.
    """
    try:
        connection = Connection.get(conn_id)
    except Exception as error:  # the SDK wraps what its backends raise; each of them means the same here
        raise SettingsError(f"Airflow connection '{conn_id}' cannot be read: {error}") from None
    params = {
        "host": connection.host,
        "port": connection.port,
        "user": connection.login,
        "password": connection.password,
        "dbname": connection.schema,
        **{name: value for name, value in connection.extra_dejson.items() if name in KEPT_EXTRAS},
    }
    limits = getattr(settings.load().limits, conn_id, None) or settings.DatabaseLimits()
    return Database(conn_id, {name: value for name, value in params.items() if value}, limits)


def store() -> ObjectStoragePath:
    """Where matrices, models and reports go: a local folder, or object storage."""
    told = settings.load().run.artifacts
    return ObjectStoragePath(
        told or f"file://{INCLUDE.parent / '.local' / settings.load().shop.name / 'artifacts'}"
    )


def audiences() -> ObjectStoragePath:
    """Where the exported audiences go."""
    told = settings.load().audiences.folder
    return ObjectStoragePath(told) if told else store() / "audiences"


def night(reference: dict[str, Any]) -> Night:
    """The run that a reference stands for."""
    return Night(
        run_id=reference["run_id"],
        as_of_date=date.fromisoformat(reference["as_of_date"]),
        settings=settings.load(),
        shop=database("shop"),
        warehouse=database("warehouse"),
        store=store(),
    )
