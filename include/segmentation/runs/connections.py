"""Airflow's side of the stages (this module knows Airflow): connections, storage, the run's reference.

Between tasks only a reference travels: `{"run_id": ..., "as_of_date": ...}`.
"""

import os
from datetime import date
from pathlib import Path
from typing import Any, cast

from airflow.sdk import Connection, ObjectStoragePath

from segmentation import settings
from segmentation.errors import SettingsError
from segmentation.runs.night import Night
from segmentation.settings import INCLUDE
from segmentation.warehouse.db import KEPT_EXTRAS, Database, without_blanks


def database(conn_id: str) -> Database:
    """The database of an Airflow connection (`shop` or `warehouse`).

    Raises
    ------
    SettingsError
        When there is no such connection.
    """
    connection = _connection(conn_id)
    params = {
        "host": connection.host,
        "port": connection.port,
        "user": connection.login,
        "password": connection.password,
        "dbname": connection.schema,
        **{name: value for name, value in connection.extra_dejson.items() if name in KEPT_EXTRAS},
    }
    limits = getattr(settings.load().limits, conn_id, None) or settings.DatabaseLimits()
    return Database(conn_id, without_blanks(params), limits)


def http(conn_id: str) -> tuple[str, str | None, str]:
    """Address, user and password of an Airflow connection to a web service; no user: the password is a token.

    Raises
    ------
    SettingsError
        When there is no such connection, or it names no host.
    """
    connection = _connection(conn_id)
    if not connection.host:
        raise SettingsError(f"Airflow connection '{conn_id}' names no host")
    port = f":{connection.port}" if connection.port else ""
    url = f"{connection.schema or 'http'}://{connection.host}{port}"
    return url, connection.login, connection.password or ""


def password(conn_id: str) -> str:
    """The password of an Airflow connection that has nothing else; empty where it has none.

    Raises
    ------
    SettingsError
        When there is no such connection.
    """
    return _connection(conn_id).password or ""


def _connection(conn_id: str) -> Connection:
    try:
        return Connection.get(conn_id)
    except Exception as error:  # the SDK wraps what its backends raise; each of them means the same here
        raise SettingsError(f"Airflow connection '{conn_id}' cannot be read: {error}") from None


def store() -> Path:
    """Store of matrices, models and reports: a local folder, or object storage."""
    url = settings.load().run.artifacts
    return _folder(url or f"file://{INCLUDE.parent / '.local' / settings.load().shop.name / 'artifacts'}")


def audiences() -> Path:
    """Folder of the exported audiences."""
    url = settings.load().audiences.folder
    return _folder(url) if url else store() / "audiences"


def _folder(address: str) -> Path:
    """A local folder, or one on object storage: it has the methods of a Path and is none."""
    return cast("Path", ObjectStoragePath(address))


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


def logs() -> list[Path]:
    """The folders in which this deployment keeps logs: Airflow's, and those named by SEGMENTATION_LOGS."""
    from airflow.configuration import conf

    named = [one for one in os.environ.get("SEGMENTATION_LOGS", "").split(os.pathsep) if one]
    return [Path(conf.get("logging", "base_log_folder")), *map(Path, named)]
