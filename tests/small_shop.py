"""A shop that a test makes row by row, with a source folder of its own; it goes the way of every night."""

import functools
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2.extras
import pytest
from psycopg2 import sql

from segmentation.features import table as features
from segmentation.ingestion import cleaning, extraction
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.sources import contract
from segmentation.warehouse import db
from segmentation.warehouse.db import Database

SOURCE = "tiny"
ROOT = Path(__file__).parents[1] / "include" / "sql"

# What a shop would write: one SELECT a table, its instants within the window.
SELECTS = {
    "customers": "coalesce(updated_at, signed_up_at)",
    "orders": "least(ordered_at, updated_at)",
    "order_items": "ordered_at",
    "events": "occurred_at",
    "reviews": "reviewed_at",
}


def silent(*_: object) -> None:
    """Progress that nobody reads."""


def select(table: str, columns: str = "*", instant: str | None = None) -> str:
    """The SELECT of a table of the tiny shop."""
    instant = instant or SELECTS[table]
    return (
        f"select {columns} from {SOURCE}.{table} where {instant} >= %(start)s and {instant} < %(end)s "
        f"or {instant} is null"
    )


def make_source(patch: pytest.MonkeyPatch, folder: Path, selects: dict[str, str], name: str = SOURCE) -> Path:
    """Let `include/sql` have one more source; returns its folder. Files there may be written anew at will."""
    root = folder / "sql"
    (root / "extract" / name).mkdir(parents=True)
    for ours in ROOT.iterdir():
        if ours.name != "extract":
            (root / ours.name).symlink_to(ours)
    for ours in (ROOT / "extract").iterdir():
        (root / "extract" / ours.name).symlink_to(ours)
    for table, text in selects.items():
        (root / "extract" / name / f"{table}.sql").write_text(text)
    use_sql(patch, root)
    return root / "extract" / name


def use_sql(patch: pytest.MonkeyPatch, root: Path) -> None:
    """Let every statement come from `root` until the test ends."""
    patch.setattr(db, "SQL", root)
    patch.setattr(contract, "SQL", root, raising=False)
    patch.setattr(db, "_environment", functools.lru_cache(db._environment.__wrapped__))


class SmallShop:
    """The tiny shop's database, and its nights."""

    def __init__(
        self, shop: Database, warehouse: Database, store: Path, source: str = SOURCE, **sections: Any
    ) -> None:
        self.shop, self.warehouse, self.store = shop, warehouse, store
        told = {"name": "tiny", "source": source, "timezone": "Europe/London"}
        self.settings = Settings(shop=told, **sections)
        self.nights = 0

    def create(self) -> None:
        """Empty tables with the contract's columns; lines bring the instant of their order along."""
        with self.shop.connect() as conn:
            db.execute(conn, f"create schema {SOURCE}")
            for table in contract.TABLES.values():
                columns = dict(table.columns)
                if table.name == "order_items":
                    columns["ordered_at"] = "timestamptz"
                listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
                db.execute(conn, f"create table {SOURCE}.{table.name} ({listed})")

    def add(self, **tables: list[dict[str, Any]]) -> None:
        """Insert rows; what a row does not name is null."""
        with self.shop.connect() as conn:
            for table, rows in tables.items():
                insert(conn, (SOURCE, table), rows)

    def night(self, day: date) -> Night:
        """A run of a date, without a lease."""
        self.nights += 1
        return Night(f"run-{self.nights}", day, self.settings, self.shop, self.warehouse, self.store)

    def ingest(self, night: Night, version: str | None = None, since: date | None = None) -> dict[str, Any]:
        """Extract, clean and roll up; returns the window, and the counts of cleaning under `cleaned`."""
        window = extraction.run(night, version, silent, since)
        first = window["first"] and date.fromisoformat(window["first"])
        end = date.fromisoformat(window["end"])
        cleaned = cleaning.run(night, first, end, silent)
        features.roll_up(night, first, end)
        return {**window, "cleaned": cleaned}


def insert(conn: db.Connection, table: tuple[str, str], rows: list[dict[str, Any]]) -> None:
    """Insert rows that may name different columns."""
    for row in rows:
        query = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(*table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        )
        with conn.cursor() as cursor:
            cursor.execute(
                query, [psycopg2.extras.Json(v) if isinstance(v, dict) else v for v in row.values()]
            )


def contents(database: Database, tables: list[str], without: str = "") -> dict[str, list[str]]:
    """Every row of each table as text, in order; `without` names columns to leave out, by spaces."""
    with database.connect(readonly=True) as conn:
        leave = "".join(f" - '{column}'" for column in without.split())
        return {
            table: [
                row["row"]
                for row in db.rows(
                    conn, f"select (to_jsonb(t){leave})::text as row from {table} as t order by 1"
                )
            ]
            for table in tables
        }


def progress_list() -> tuple[list[str], Callable[[str], None]]:
    """Progress that is kept."""
    said: list[str] = []
    return said, said.append


def forget(warehouse: Database) -> None:
    """Empty every table of the warehouse that a night fills."""
    with warehouse.connect() as conn:
        filled = db.rows(
            conn,
            "select relnamespace::regnamespace::text as schema, oid::regclass::text as name from pg_class "
            "where relnamespace::regnamespace::text = any(%(schemas)s) "
            "and relkind in ('r', 'p') and not relispartition",
            {"schemas": ["staging", "quarantine", "core", "features"]},
        )
        tables = ", ".join(row["name"] for row in filled if row["schema"] != "features")
        db.execute(conn, f"truncate {tables}")
        for row in filled:  # partitions by the dozen: to truncate them takes longer than to delete a few rows
            if row["schema"] == "features":
                db.execute(conn, f"delete from {row['name']}")
