"""The warehouse's schema: brought up to date by migrations, safe to run twice and side by side."""

from pathlib import Path
from typing import cast

import psycopg2
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool

from segmentation.warehouse import db, locks

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(warehouse: db.Database, to: str = "head") -> None:
    """Bring the warehouse to the newest version, or to one on the way, in one transaction.

    A second caller waits for the first and then finds nothing to do.
    """
    config = _config()
    if version(warehouse) == newest():
        return
    engine = create_engine(
        "postgresql+psycopg2://",
        poolclass=pool.NullPool,
        creator=lambda: psycopg2.connect(**warehouse.params),
    )
    with engine.begin() as connection:
        locks.hold(cast("db.Connection", connection.connection.driver_connection), locks.SCHEMA)
        config.attributes["connection"] = connection
        command.upgrade(config, to)


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
