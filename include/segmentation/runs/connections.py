"""Airflow's side of the stages (this module knows Airflow): connections, storage, the run's reference.

Between tasks only a reference travels: `{"run_id": ..., "as_of_date": ...}`.
"""

import json
import os
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol, cast

from segmentation import settings
from segmentation.errors import SettingsError
from segmentation.runs.night import Night
from segmentation.settings import INCLUDE
from segmentation.warehouse.db import KEPT_EXTRAS, Database, without_blanks

# What names a backend of secrets, which Airflow asks before it looks into the environment.
BACKENDS = ("AIRFLOW__SECRETS__", "AIRFLOW__WORKERS__SECRETS_")


class Connection(Protocol):
    """A connection, as much of it as is asked for."""

    host: Any
    port: Any
    login: Any
    password: Any
    schema: Any

    @property
    def extra_dejson(self) -> dict[str, Any]: ...


@dataclass
class Stated:
    """A connection that stands in the environment."""

    host: Any = None
    port: Any = None
    login: Any = None
    password: Any = None
    schema: Any = None
    extra: Any = None

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """Its further fields, by name."""
        extra = self.extra or {}
        return json.loads(extra) if isinstance(extra, str) else extra


def database(conn_id: str) -> Database:
    """The database of an Airflow connection (`shop` or `warehouse`).

    Raises
    ------
    SettingsError
        When there is no such connection.
    """
    return database_of(conn_id, _connection(conn_id))


def database_of(conn_id: str, connection: Connection) -> Database:
    """The database that a connection leads to."""
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
    """The connection; one that stands in the environment is read without Airflow, whose import takes seconds."""
    is_asked_first = any(name.startswith(BACKENDS) for name in os.environ)
    if "airflow" not in sys.modules and not is_asked_first and (connection := in_environment(conn_id)):
        return connection
    return in_airflow(conn_id)


def in_environment(conn_id: str) -> Stated | None:
    """The connection that stands in the environment as JSON; None where none does.

    Raises
    ------
    SettingsError
        When it cannot be read.
    """
    name = f"AIRFLOW_CONN_{conn_id.upper()}"
    text = os.environ.get(name, "").strip()
    if not text.startswith("{"):
        return None
    try:
        fields = json.loads(text)
        connection = Stated(
            **{field: fields[field] for field in Stated.__dataclass_fields__ if field in fields}
        )
        if isinstance(connection.extra_dejson, dict):
            return connection
    except ValueError:  # its message would quote a password
        pass
    raise SettingsError(f"{name} is not readable as JSON")


def in_airflow(conn_id: str) -> Connection:
    """The connection that Airflow knows, wherever it is.

    Raises
    ------
    SettingsError
        When there is none.
    """
    from airflow import sdk

    try:
        return sdk.Connection.get(conn_id)
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
    from airflow.sdk import ObjectStoragePath

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
