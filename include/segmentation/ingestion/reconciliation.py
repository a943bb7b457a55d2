"""Per-day counts and sums of the recent months, in the shop and in the warehouse; what differs is read again.

One query a side: around the source's own SELECTs in the shop, on `staging` in the warehouse. A day that
differs although it was read again (a row that has no instant, say) is remembered with what the shop had, and
is tried again only when the shop has something else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg2

from segmentation.errors import ShopError
from segmentation.ingestion import extraction
from segmentation.quality import metrics as measuring
from segmentation.quality.results import Result, store
from segmentation.runs import window as window_
from segmentation.runs.night import Night
from segmentation.sources import contract
from segmentation.warehouse import answers, db

# Whose an order is, as a number: accounts that are merged leave every count and sum as it was.
OWNER = "('x' || left(md5(btrim(customer_id)), 8))::bit(32)::bigint"
# What is added up of a day's rows. A customer stands on the day of its last change, so its day does change.
FIGURES = {
    "orders": (f"sum({OWNER})", "count(cancelled_at)"),
    "order_items": ("sum(quantity)", "sum(quantity * unit_price - coalesce(discount, 0))"),
    "events": ("count(customer_id)", "sum(duration_seconds)"),
    "reviews": ("count(customer_id)", "sum(rating)"),
}


@dataclass(frozen=True)
class Difference:
    """A day of a table whose rows are not those of the shop."""

    table: str
    day: date
    shop_rows: int
    our_rows: int
    fingerprint: float

    @property
    def rows(self) -> int:
        """Number of rows by which the two differ; 0 when only a sum does."""
        return abs(self.shop_rows - self.our_rows)


def find(night: Night, window: window_.Window, version: str | None) -> list[Difference]:
    """The days before the window, of the last `extract.reconcile_days`, that are not as in the shop.

    None are looked for in a file (it is read again as a whole when it changes), or when all history is read.
    """
    start = night.as_of_date - timedelta(days=night.settings.extract.reconcile_days)
    if version is not None or window.first is None or start >= window.first:
        return []
    with night.warehouse.connect(readonly=True) as conn:
        loaded = db.scalar(conn, "select min(day) from staging.orders")
        if loaded is None or max(start, loaded) >= window.first:
            return []
        days = window_.Window(max(start, loaded), window.first)
        ours = _figures(conn, _ours(), days.bounds(night) | {"first": days.first, "before": days.end})
        given_up = _given_up(conn)
    with night.shop.connect(readonly=True, timezone=night.settings.shop.timezone) as conn:
        theirs = _shop_counts(night, conn, days)
    differences = [
        _difference(key, theirs.get(key), ours.get(key))
        for key in sorted(theirs.keys() | ours.keys())
        if key[0] in {table for table, _ in theirs} and theirs.get(key) != ours.get(key)
    ]
    return [d for d in differences if given_up.get((d.table, d.day)) != d.fingerprint]


def record(night: Night, differences: list[Difference], left: list[Difference]) -> None:
    """Keep what was repaired as a result of the gate `sources`, and what could not be."""
    with night.warehouse.connect() as conn:
        for table in sorted(set(contract.tables_of(night.settings.shop.source)) & set(FIGURES)):
            days = [d for d in differences if d.table == table]
            remaining = [d for d in left if d.table == table]
            measuring.keep(conn, night, "sources", table, "days_repaired", len(days) - len(remaining))
            for difference in remaining:
                name = f"unreconciled_{difference.day}"
                measuring.keep(conn, night, "sources", table, name, difference.fingerprint)
            store(conn, night, (_result(table, days, remaining),))


def run(
    night: Night, version: str | None, extract: Callable[[date | None], dict[str, Any]]
) -> dict[str, Any]:
    """Extract by `extract(first day)`, from the first day that differs or was released, and record that."""
    with night.warehouse.connect(readonly=True) as conn:
        window = extraction.window(conn, night, version)
        released = db.scalar(
            conn,
            "select min(day_from) from quarantine.releases "
            "where cleaned_at is null and day_from < %(as_of_date)s",
            night.params,
        )
    differences = find(night, window, version)
    days = [d.day for d in differences] + ([released] if released else [])
    extracted = extract(min(days, default=None))
    again = {(d.table, d.day) for d in differences}
    left = [d for d in find(night, window, version) if (d.table, d.day) in again] if differences else []
    record(night, differences, left)
    return extracted


def _difference(
    key: tuple[str, date], theirs: tuple[Any, ...] | None, ours: tuple[Any, ...] | None
) -> Difference:
    # what the shop has, in one number: the rows, and each sum with a weight of its own
    fingerprint = sum(float(v or 0) * 1.37**n for n, v in enumerate(theirs or ()))
    return Difference(*key, int(theirs[0]) if theirs else 0, int(ours[0]) if ours else 0, fingerprint)


def _figures(conn: db.Connection, query: str, params: dict[str, Any]) -> dict[tuple[str, date], tuple]:
    return {
        (row["table_name"], row["day"]): (row["row_count"], row["first_sum"], row["second_sum"])
        for row in db.rows(conn, query, params)  # any order: they are looked up
    }


def _ours() -> str:
    return "\nunion all\n".join(
        f"select '{table}' as table_name, day, count(*) as row_count, {first}::numeric as first_sum, "
        f"{second}::numeric as second_sum from staging.{table} "
        f"where day >= %(first)s and day < %(before)s{_with_instant(table)} group by day"
        for table, (first, second) in FIGURES.items()
    )


def _with_instant(table: str) -> str:
    """A row without an instant stands on whichever day it was read."""
    instant = contract.TABLES[table].instant
    return f" and {instant} is not null" if instant else ""


def _shop_counts(night: Night, conn: db.Connection, days: window_.Window) -> dict[tuple[str, date], tuple]:
    """Counts and sums of the shop.

    Raises
    ------
    SourceError
        When a SELECT, or a value that it returns, does not fit the contract.
    """
    names = [name for name in contract.tables_of(night.settings.shop.source) if name in FIGURES]
    loads = [extraction.Load(conn, conn, night, days, name) for name in names]
    for load in loads:
        load.check_columns()
    # lines that have no instant of their own take the day of their order, as it was read
    loads = [load for load in loads if load.instant is not None]
    with conn.cursor() as cursor:
        cursor.execute("savepoint adding_up")
    try:
        return _figures(conn, _theirs(loads), days.bounds(night))
    except psycopg2.DataError:  # a text in a number: which column?
        with conn.cursor() as cursor:
            cursor.execute("rollback to savepoint adding_up")
        for load in loads:
            load.check_values()
        raise
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        reason = answers.lost(conn, error) or answers.first_line(error)
        raise ShopError(f"the shop did not answer: its days could not be added up: {reason}") from None


def _theirs(loads: list[extraction.Load]) -> str:
    parts = []
    for load in loads:
        name = load.table.name
        first, second = FIGURES[name]
        casts = ", ".join(f"q.{column}::{kind} as {column}" for column, kind in load.kinds.items())
        parts.append(
            f"select '{name}' as table_name, ({load.instant} at time zone %(timezone)s)::date as day, "
            f"count(*) as row_count, {first}::numeric as first_sum, {second}::numeric as second_sum "
            f"from (select {casts} from (\n{load.select}\n) as q) as typed "
            f"where {load.instant} is not null group by 2"
        )
    return "\nunion all\n".join(parts)


def _given_up(conn: db.Connection) -> dict[tuple[str, date], float]:
    """Counts of the shop on days that differed even after they were read again, at the last try."""
    rows = db.rows(
        conn,
        "select distinct on (table_name, metric) table_name, metric, value from quality.metrics "
        "where gate = 'sources' and metric like 'unreconciled%%' "
        "order by table_name, metric, as_of_date desc",
    )
    return {
        (row["table_name"], date.fromisoformat(row["metric"].removeprefix("unreconciled_"))): row["value"]
        for row in rows
    }


def _result(table: str, days: list[Difference], left: list[Difference]) -> Result:
    details: dict[str, Any] = {"differ_still": len(left)} if left else {}
    if days:
        details["first_day"] = min(d.day for d in days).isoformat()
    return Result(
        gate="sources",
        table_name=table,
        expectation="repaired",
        severity="warning",
        success=not days,
        family="repaired",
        subject=table,
        value=len(days),
        unit="count",
        most=0,
        wording="repaired",
        details=details,
        failing_rows=sum(d.rows for d in days) or None,
    )
