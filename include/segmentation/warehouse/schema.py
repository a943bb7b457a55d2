"""The warehouse's schema: brought up to date by migrations, safe to run twice and side by side."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2.errors
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool, text
from sqlalchemy.exc import DBAPIError

from segmentation import progress
from segmentation.errors import SettingsError, WarehouseError
from segmentation.warehouse import answers, db, locks, tries
from segmentation.warehouse.watch import closely

MIGRATIONS = Path(__file__).parent / "migrations"
STEP_BACK_SECONDS = 2
"""Time for which a migration lets everybody by that queued behind it, before it tries again."""


def migrate(warehouse: db.Database, to: str = "head") -> None:
    """Bring the warehouse to the newest version, or to one on the way, in one transaction.

    A second caller waits for the first and then finds nothing to do. A session that has a table of the
    warehouse locked is waited for, readers meanwhile are let by.

    Raises
    ------
    SettingsError
        When the warehouse is of a version that this program does not know.
    WarehouseError
        When another session has what a migration must change for longer than `wait_seconds`.
    """
    current = version(warehouse)
    if current == newest():
        return
    _refuse_newer(current)
    ends, reported = time.monotonic() + warehouse.limits.wait_seconds, ""
    while who := _upgrade(warehouse, to):
        if time.monotonic() > ends:
            raise WarehouseError(f"the warehouse cannot be brought up to date: {who}")
        if who != reported:
            progress.say(f"bringing the warehouse up to date: {who}")
        reported = who
        time.sleep(STEP_BACK_SECONDS)


def _upgrade(warehouse: db.Database, to: str) -> str:
    """Try the migrations once, in moments that no reader notices; returns who was in the way, in words.

    Nobody queues behind a lock that is not had for longer than `tries.NOWAIT_SECONDS`.
    """
    config = _config()
    engine = create_engine(
        "postgresql+psycopg2://",
        poolclass=pool.NullPool,
        creator=_opener(warehouse),
    )
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection  # psycopg2's, by `creator`
        try:
            with closely(raw) as sessions, connection.begin():
                locks.hold(raw, locks.SCHEMA)
                connection.execute(text(f"set local lock_timeout = '{tries.NOWAIT_SECONDS}s'"))
                config.attributes["connection"] = connection
                command.upgrade(config, to)
        except (DBAPIError, psycopg2.errors.LockNotAvailable) as error:
            if not isinstance(getattr(error, "orig", error), psycopg2.errors.LockNotAvailable):
                raise
            raw.in_the_way = tuple(sessions)
            tries.end_vacuums(raw, sessions)
            return answers.locked(raw)
    return ""


def _opener(warehouse: db.Database) -> Callable[[], db.Connection]:
    return lambda: warehouse.open("segmentation migration")


def _refuse_newer(current: str | None) -> None:
    revisions = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in revisions:
        raise SettingsError(
            f"the warehouse is at version {current}, which this program does not know (its newest is "
            f"{newest()}): it was brought up to date by a newer one. Run that one, or restore a backup"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def newest() -> str | None:
    """The newest migration there is."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def version(warehouse: db.Database) -> str | None:
    """The newest migration applied, or None for an empty database."""
    with warehouse.connect() as conn:
        if db.scalar(conn, "select to_regclass('public.schema_version')") is None:
            return None
        return db.scalar(conn, "select version_num from public.schema_version")


def migrate_and_say(warehouse: db.Database, name: str) -> str:
    """Bring the warehouse to the newest version; returns what was done, in words."""
    before = version(warehouse)
    migrate(warehouse)
    after = version(warehouse)
    if before == after:
        return f"{name}: is at version {after}, the newest"
    return f"{name}: " + (
        f"brought from version {before} to {after}" if before else f"made, at version {after}"
    )
