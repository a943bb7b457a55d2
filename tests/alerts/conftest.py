"""A warehouse, receivers and the Airflow connections that name them, as environment variables."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from segmentation import settings
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.warehouse.db import Database
from tests.alerts import receivers

# Airflow, when it is first imported, logs to the stdout of that moment, which is pytest's for this one file.
HANDLERS = list(logging.root.handlers)
import airflow.sdk  # noqa: E402, F401

logging.root.handlers[:] = HANDLERS


@pytest.fixture
def mailbox() -> Iterator[receivers.Mailbox]:
    with receivers.mailbox() as box:
        yield box


@pytest.fixture
def hook() -> Iterator[receivers.Hook]:
    with receivers.hook() as taken:
        yield taken


def connection(database: Database) -> str:
    """A database as an Airflow connection."""
    params = database.params
    fields = {"host": params["host"], "port": params["port"], "login": params["user"]}
    return json.dumps({"conn_type": "postgres", "schema": params["dbname"], **fields})


@pytest.fixture
def deployment(warehouse_db, monkeypatch, tmp_path) -> Database:
    """Environment of a task: a warehouse, and no shop of this machine; the warehouse."""
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", connection(warehouse_db))
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.delenv("AIRFLOW_CONN_ALERTS", raising=False)
    monkeypatch.setenv("SEGMENTATION__RUN__ARTIFACTS", f"file://{tmp_path}/artifacts")
    settings.load.cache_clear()
    yield warehouse_db
    settings.load.cache_clear()


@pytest.fixture
def told(deployment, mailbox, hook, monkeypatch) -> receivers.Hook:
    """The connection `alerts` names both receivers; returns the HTTP one."""
    urls = f"{mailbox.url}\n{hook.url}"
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS", json.dumps({"conn_type": "generic", "password": urls}))
    return hook


@pytest.fixture
def start(deployment) -> Callable[..., Night]:
    """Registers a run of a date."""

    def made(day: date, dag_run_id: str = "manual__1") -> Night:
        loaded = settings.load()
        run_id = register.start(deployment, loaded, day, dag_run_id)
        return Night(run_id, day, loaded, deployment, deployment, Path("nowhere"))

    return made
