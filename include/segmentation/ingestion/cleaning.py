"""From `staging` to `core`: every row is kept, merged or quarantined, and the counts balance."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import psycopg2.errors

from segmentation.errors import BalanceError
from segmentation.ingestion import staged
from segmentation.runs.night import Night
from segmentation.sources import contract
from segmentation.warehouse import beside, db, keys, locks, partitions

TWICE = "count(*) > 1"  # rows of a key
# Lines after orders: a line takes its order's customer and day.
ORDER = ("customers", "orders", "order_items", "events", "reviews")
ASIDE = ("events", "reviews", "customers")  # need no other table, and take less than orders and their lines

Judge = Callable[[db.Connection, str, Mapping[str, Any]], str]
"""Judges the staged rows of a table elsewhere; returns a query that has what `judged` is made of."""
JUDGED = re.compile(r"(?<=create temp table judged on commit drop as\n)(?:--[^\n]*|[^;-]|-(?!-))*")
"""The statement of a file that judges, comments and all."""


@dataclass(frozen=True)
class Facts:
    """A kind of facts of which a shop has many: its key, and the order in which the first of several rows is kept."""

    key: str
    first_copy: str


FACTS = {
    "orders": Facts(
        "order_id",
        "updated_at desc nulls last, ordered_at, customer_id, status, cancelled_on, channel, currency",
    ),
    "order_items": Facts("order_id, line_no", "product_id, quantity, unit_price, discount, category"),
    "events": Facts(
        "event_id", "occurred_at, customer_id, session_id, event_type, product_id, duration_seconds"
    ),
}


def run(
    night: Night,
    first: date | None,
    end: date,
    progress: Callable[[str], None] = print,
    judge: Judge | None = None,
) -> dict[str, dict[str, Any]]:
    """Clean the days from `first` (None: all history) to before `end`, in one transaction.

    All history is cleaned by two sessions, whose transactions are committed when both are done, one after the other.

    Where there is a `judge` it judges the rows, but products, of which there are few.

    Returns the counts by table (rows_in, kept, merged, quarantined, rules).

    Raises
    ------
    BalanceError
        When rows in are not rows kept + merged + quarantined, or days were staged that are no more. Nothing is
        changed then.
    """
    cleaning = night.settings.cleaning
    params = {
        **night.params,
        "first": first,
        "end": end,
        "max_line_amount": cleaning.max_line_amount,
        "min_birth_year": cleaning.min_birth_year,
        "max_text_bytes": cleaning.max_text_bytes,
        "max_body_bytes": cleaning.max_body_bytes,
    }
    tables = [name for name in ORDER if name in contract.tables_of(night.settings.shop.source)]
    with night.warehouse.connect() as conn:
        locks.hold(conn, locks.DAYS)
        staged.refuse_gaps(conn, night, first, tables)

        def clean(session: db.Connection, names: Iterable[str]) -> None:
            for name in names:
                _clean(session, name, params, judge)
                progress(f"clean: {name}")

        is_large = first is None and not judge and beside.are_many(conn, "staging.order_items")
        aside = [name for name in ASIDE if name in tables and is_large]
        others = [name for name in tables if name not in aside]
        with beside.held(night.warehouse, lambda session: clean(session, aside)) if aside else nullcontext():
            clean(conn, others)
            if "products" in contract.tables_of(night.settings.shop.source):
                db.run_file(conn, "core/products.sql", params)
                progress("clean: products")
            db.run_file(conn, "core/releases.sql", params)
            kept_from = night.as_of_date - timedelta(days=night.settings.quality.quarantine_days)
            for name in others:
                db.run_file(conn, "core/forget.sql", {"kept_from": kept_from}, table=name)
        for name in aside:
            db.run_file(conn, "core/forget.sql", {"kept_from": kept_from}, table=name)
        counts = db.rows(
            conn,
            "select * from core.row_counts where run_id = %(run_id)s and table_name = any(%(tables)s) "
            "order by array_position(%(tables)s, table_name)",
            {**params, "tables": tables},
        )
    return {row.pop("table_name"): row for row in counts}


def identifiers(table: str) -> dict[str, str]:
    """Parts that `core/<table>.sql` includes: how a row is judged, and which of several is kept."""
    if table not in FACTS:
        return {}
    return {"judged": db.statement(f"core/judged_{table}.sql"), "first_copy": FACTS[table].first_copy}


def _clean(conn: db.Connection, table: str, params: dict[str, Any], judge: Judge | None) -> None:
    if judge:
        _keep(conn, table, params, judge(conn, table, params))
    elif table in FACTS and params["first"] is None and keys.are_free(conn, f"core.{table}"):
        _load(conn, table, params)
    else:
        db.run_file(conn, f"core/{table}.sql", params, **identifiers(table))
    core_day = "valid_from" if table == "customers" else "day"
    try:
        db.run_file(conn, "core/row_counts.sql", params, table=table, core_day=core_day)
    except psycopg2.errors.CheckViolation as error:
        raise BalanceError(
            f"{table}: rows in are not rows kept + merged + quarantined for the days before {params['end']} "
            f"({error.diag.message_detail}); nothing was changed"
        ) from None
    db.execute(conn, "drop table judged; drop table if exists touched")


def _keep(conn: db.Connection, table: str, params: dict[str, Any], judged: str) -> None:
    """Run the file of a table with rows that are judged already."""
    text, times = JUDGED.subn(lambda _: judged, db.statement(f"core/{table}.sql", **identifiers(table)))
    if times != 1:
        raise LookupError(f"core/{table}.sql judges {times} times")
    db.execute(conn, text, params)


def _load(conn: db.Connection, table: str, params: dict[str, Any]) -> None:
    """Fill a table that is empty; the key, which is made of all rows, says whether any comes twice.

    Only then are these looked for, or where the newest days have some.
    """
    sampled = db.statement("core/comes_twice.sql", table=table, key=FACTS[table].key)
    if db.scalar(conn, sampled, params):
        _fill(conn, table, params, are_copied=TWICE)
        return
    db.execute(conn, "savepoint load")
    try:
        _fill(conn, table, params, are_copied="false")
    except psycopg2.errors.UniqueViolation:
        db.execute(conn, "rollback to savepoint load")
        _fill(conn, table, params, are_copied=TWICE)
    db.execute(conn, "release savepoint load")


def _windows(conn: db.Connection, table: str, params: dict[str, Any]) -> list[dict[str, date | None]]:
    """The days whose rows go in together: of lines those of a month, so that its orders stay in the server's memory.

    A line that is kept is of the day of its order.
    """
    if table != "order_items":
        return [{"first": params["first"], "end": params["end"]}]
    months = [row["month"] for row in db.rows(conn, db.statement("core/months.sql", table="orders"), params)]
    return [{"first": first, "end": end} for first, end in pairwise([*months, params["end"]])]


def _fill(conn: db.Connection, table: str, params: dict[str, Any], are_copied: str) -> None:
    names = {
        "table": table,
        "columns": ", ".join(partitions.kinds(conn, f"core.{table}")),
        "key": FACTS[table].key,
        "are_copied": are_copied,
    }
    names |= identifiers(table)
    with keys.after(conn, [f"core.{table}"]):
        db.run_file(conn, "core/first_copied.sql", params, **names)
        for days in _windows(conn, table, params):
            db.run_file(conn, "core/first_rows.sql", {**params, **days}, **names)
        db.run_file(conn, "core/first_load.sql", params, **names)
    db.execute(conn, f"analyze core.{table}")  # for what is made of it before the server thinks of that
