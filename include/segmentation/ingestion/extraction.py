"""From the shop into `staging`: the days that are missing, plus a look-back, COPY to COPY."""

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

import psycopg2
import psycopg2.errors

from segmentation.errors import ShopError, SourceError
from segmentation.quality import metrics as measuring
from segmentation.runs.night import Night
from segmentation.runs.window import Span, Window
from segmentation.settings import WEEKS_COMPARED
from segmentation.sources import contract
from segmentation.warehouse import answers, db, locks

OUTSIDE = "outside of the window"
# What the server says of a value, or a whole column, that is not of the type it should have.
WRONG_TYPE = (
    psycopg2.errors.CannotCoerce,
    psycopg2.errors.InvalidTextRepresentation,
    psycopg2.errors.InvalidDatetimeFormat,
    psycopg2.errors.DatetimeFieldOverflow,
    psycopg2.errors.NumericValueOutOfRange,
)
LINE_INSTANT = "ordered_at"  # lines may bring the instant of their order along

# The day of a row. A row outside the window would be loaded again each night, so it becomes a text that
# the date column refuses; a row without any instant goes to the window's last day.
DAY = f"""
    case
        when {{instant}} < %(start)s or {{instant}} >= %(end)s then '{OUTSIDE}: ' || {{instant}}
        else coalesce(({{instant}} at time zone %(timezone)s)::date,
                      (%(end)s::timestamptz at time zone %(timezone)s)::date - 1)::text
    end"""


def window(conn: db.Connection, night: Night, version: str | None) -> Window:
    """The days to read: from what was loaded last (or all history) to the as-of date, and the look-back.

    A source whose `version` (the hash of its file) changed is read again as a whole, and so is one that has
    a table which was never read.
    """
    tables = list(contract.tables_of(night.settings.shop.source))
    loaded = db.row(
        conn,
        """
        select min(loaded_before) as before, min(source_version) as version, count(*) as tables
        from staging.watermarks where table_name = any(%(tables)s)
        """,
        {"tables": tables},
    )
    if not loaded or loaded["tables"] < len(tables) or (version and loaded["version"] != version):
        return Window(None, night.as_of_date)
    first = min(loaded["before"], night.as_of_date) - timedelta(days=night.settings.extract.lookback_days)
    return Window(first, night.as_of_date)


def run(
    night: Night,
    version: str | None = None,
    progress: Callable[[str], None] = print,
    since: date | None = None,
) -> dict[str, Any]:
    """Extract every table of the source for the window; replaces these days in one transaction.

    The window begins not later than `since`.

    Returns the window and the rows by table. All SELECTs read one snapshot of the shop.

    Raises
    ------
    SourceError
        When a SELECT does not fit the contract (named: file, column), or reads rows outside its window.
    ShopError
        When the shop does not answer.
    """
    selects = contract.tables_of(night.settings.shop.source)
    with night.warehouse.connect() as target:
        locks.hold(target, locks.DAYS)
        days = window(target, night, version)
        if since and days.first and since < days.first:
            days = Window(since, days.end)
        with night.shop.connect(readonly=True, timezone=night.settings.shop.timezone) as source:
            loads = {name: Load(source, target, night, days, name, is_file=bool(version)) for name in selects}
            for load in loads.values():
                load.check_columns()
            counts = {}
            for name, load in loads.items():
                counts[name] = load.copy()
                progress(f"extract: {counts[name]:,} rows of {name}")
        _record(target, night, days, counts, version)
    return {"first": days.first and days.first.isoformat(), "end": days.end.isoformat(), "rows": counts}


def lookback(night: Night, day: date) -> date:
    """The first day that the night of `day` reads when the night before it has loaded its own."""
    return day - timedelta(days=night.settings.extract.lookback_days + 1)


def first_of(night: Night, span: Span) -> date:
    """The first day that a backfill reads: that of its first night.

    Where the days that the gates compare with were dropped from staging, these too.
    """
    weeks = span.first - timedelta(weeks=WEEKS_COMPARED)
    with night.warehouse.connect(readonly=True) as conn:
        first_days = {
            schema: db.scalar(conn, f"select min(day) from {schema}.orders") for schema in ("staging", "core")
        }
    is_dropped = all(first_days.values()) and first_days["staging"] > max(first_days["core"], weeks)
    return min(lookback(night, span.first), weeks) if is_dropped else lookback(night, span.first)


def take_over(night: Night, span: Span) -> dict[str, Any] | None:
    """Let the run have the days that another run has read; None when none has, or not all.

    Returns the window that the gate looks at, as a night after the one before would have read it, and under
    `load` the days that are still to be cleaned and rolled up; null when that is done, too.
    """
    first = lookback(night, night.as_of_date)
    params = {
        **night.params,
        "tables": list(contract.tables_of(night.settings.shop.source)),
        "day_from": first,
        "day_to": span.last if span.since else night.as_of_date,
        "since": span.since,
    }
    with night.warehouse.connect() as conn:
        locks.hold(conn, locks.DAYS)
        row = db.row(conn, db.statement("staging/taken_over.sql"), params)
    if not row:
        return None
    load = None if row["is_rolled_up"] else [row["day_from"], row["day_to"]]
    return {
        "first": first.isoformat(),
        "end": night.as_of_date.isoformat(),
        "rows": {},
        "load": load and [day and day.isoformat() for day in load],
    }


class Load:
    """The extraction of one table."""

    def __init__(
        self,
        source: db.Connection,
        target: db.Connection,
        night: Night,
        days: Window,
        name: str,
        is_file: bool = False,
    ) -> None:
        self.source, self.target, self.days, self.is_file = source, target, days, is_file
        self.table = contract.TABLES[name]
        self.params = days.bounds(night)
        self.place = f"extract/{night.settings.shop.source}/{name}.sql"
        self.select = db.statement(self.place).strip().rstrip(";")
        self.instant = self.table.instant
        self.cleaning = night.settings.cleaning

    def check_columns(self) -> None:
        """Refuse a SELECT that fails or lacks a column, before anything is loaded."""
        try:
            with self.source.cursor() as cursor:
                cursor.execute(f"select * from (\n{self.select}\n) as q limit 0", self.params)
                names = [column.name for column in cursor.description or ()]
        except psycopg2.Error as error:
            raise self._refused(error) from None
        if missing := [column for column in self.table.columns if column not in names]:
            raise self._unfit(
                f"column '{missing[0]}' is missing (found: {', '.join(names)}); "
                "a column that the shop lacks is selected as null"
            )
        if self.table.name == "order_items" and "ordered_at" in names:
            self.instant = LINE_INSTANT
        self._check_types(self.kinds)

    @property
    def kinds(self) -> dict[str, str]:
        """The types of the columns read."""
        lines_instant = {LINE_INSTANT: "timestamptz"} if self.instant == LINE_INSTANT else {}
        return {**self.table.columns, **lines_instant}

    def _check_types(self, kinds: dict[str, str], rows: str = "limit 0") -> None:
        """Name a column that is not of its type, of the SELECT or, with other `rows`, of what it returns."""
        casts = ", ".join(f"count(q.{column}::{kind})" for column, kind in kinds.items())
        query = f"select {casts} from (select * from (\n{self.select}\n) as all_rows {rows}) as q"
        with self.source.cursor() as cursor:
            cursor.execute("savepoint types")
            try:
                cursor.execute(query, self.params)
            except WRONG_TYPE as error:
                cursor.execute("rollback to savepoint types")
                if len(kinds) > 1:
                    for column, kind in kinds.items():
                        self._check_types({column: kind}, rows)
                    raise
                (column, kind), what = *kinds.items(), _first_line(error)
                raise self._unfit(f"column '{column}' is no {kind}: {what}") from None
            cursor.execute("release savepoint types")

    def check_values(self) -> None:
        """Refuse a SELECT that returns a value that is not of its column's type."""
        self._check_types(self.kinds, rows="")

    def _unfit(self, words: str) -> SourceError:
        return SourceError(f"{self.place}: {words}", self.table.name)

    def _refused(self, error: psycopg2.Error) -> Exception:
        """Translate the shop's error: the SELECT does not fit it, or it cannot answer now."""
        if reason := answers.lost(self.source, error):
            return ShopError(f"the shop did not answer: {self.table.name}: {reason}")
        if isinstance(error, psycopg2.errors.LockNotAvailable):
            who = answers.locked(self.source)
            return ShopError(f"the shop did not answer: {self.table.name} ({_first_line(error)}): {who}")
        if isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)):
            return ShopError(f"the shop did not answer: {self.table.name}: {_first_line(error)}")
        return self._unfit(_first_line(error))

    def copy(self) -> int:
        """Replace the window's rows in staging; returns the rows read."""
        name = self.table.name
        if name in contract.WHOLE:
            db.execute(self.target, f"truncate staging.{name}")
            return self._copy_into(("staging", name), list(self.table.columns))
        is_new = self._start_anew()
        if name == "customers" and not self.is_file:
            return self._copy_beside_what_was_known()
        db.execute(
            self.target,
            f"delete from staging.{name} "
            "where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s",
            {"first": self.days.first, "end": self.days.end},
        )
        if self.instant is None:
            return self._copy_with_the_order()
        return self._copy_into(("staging", name), ["day", *self.table.columns], is_new=is_new)

    def _start_anew(self) -> bool:
        """Truncate a table that is empty: with `wal_level = minimal` what is copied is then not logged."""
        table = f"staging.{self.table.name}"
        if self.days.first is not None or db.scalar(self.target, f"select exists (select from {table})"):
            return False
        db.execute(self.target, f"truncate {table}")
        return True

    def _copy_beside_what_was_known(self) -> int:
        """A live shop has only the newest state of a customer; what it had before is kept."""
        db.execute(
            self.target, "create temp table incoming_customers (like staging.customers) on commit drop"
        )
        rows = self._copy_into(("pg_temp", "incoming_customers"), ["day", *self.table.columns])
        db.run_file(self.target, "staging/customers.sql", {"first": self.days.first, "end": self.days.end})
        return rows

    def _copy_into(self, table: tuple[str, str], columns: Iterable[str], *, is_new: bool = False) -> int:
        kinds = self.kinds
        casts = ", ".join(f"{self._cast(column, kind)} as {column}" for column, kind in kinds.items())
        output = list(self.table.columns)
        if self.instant is not None:
            output.insert(0, DAY.format(instant=self.instant))
        query = f"select {', '.join(output)} from (select {casts} from (\n{self.select}\n) as q) as typed"
        with self.source.cursor() as cursor:
            cursor.execute("savepoint reading")
        try:
            return db.copy_across(
                self.source,
                db.bind(self.source, query, self.params),
                self.target,
                table,
                list(columns),
                is_new=is_new,
            )
        except psycopg2.Error as error:
            if self._is_of_the_warehouse(error):
                raise  # which says so itself
            if OUTSIDE in str(error):
                raise self._unfit(
                    f"it returns rows {OUTSIDE} it was asked for; use %(start)s and %(end)s on {self.instant}"
                ) from None
            if isinstance(error, WRONG_TYPE):  # a text in a number: which column?
                with self.source.cursor() as cursor:
                    cursor.execute("rollback to savepoint reading")
                self.check_values()
            raise self._refused(error) from None

    def _is_of_the_warehouse(self, error: psycopg2.Error) -> bool:
        """True where the warehouse could not take the rows, for no fault of theirs."""
        is_its_own = error.cursor is not None and error.cursor.connection is self.target
        return is_its_own and isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError))

    def _cast(self, column: str, kind: str) -> str:
        """A column as its type; a text ends a character beyond what cleaning refuses as too long.

        What is garbage is known by then, and the rest of 200 MB of it does not leave the shop.
        """
        if kind != "text":
            return f"q.{column}::{kind}"
        most = self.cleaning.max_body_bytes if column == contract.PROSE else self.cleaning.max_text_bytes
        text = f"q.{column}::text"
        # most texts are short, and the length in bytes is known without reading them
        return f"case when octet_length({text}) > {most} then left({text}, {most + 1}) else {text} end"

    def _copy_with_the_order(self) -> int:
        """Lines without an instant of their own take the day of their order, in this window."""
        db.execute(
            self.target,
            "create temp table incoming_items (like staging.order_items) on commit drop;"
            "alter table incoming_items drop column day",
        )
        self._copy_into(("pg_temp", "incoming_items"), self.table.columns)
        return db.run_file(
            self.target,
            "staging/order_items.sql",
            {"first": self.days.first, "end": self.days.end},
        )


def _record(
    conn: db.Connection, night: Night, days: Window, counts: dict[str, int], version: str | None
) -> None:
    for name, rows in counts.items():
        db.run_file(
            conn,
            "staging/loads.sql",
            {
                "run_id": night.run_id,
                "table_name": name,
                "day_from": days.first,
                "day_to": days.end,
                "rows_loaded": rows,
                "source_version": version,
            },
        )
        # that the columns are there, and every value of its type, was found out by reading them
        measuring.keep(conn, night, "sources", name, contract.UNFIT, 0)


def _first_line(error: psycopg2.Error) -> str:
    """The server's message and its place, without the value at fault, which may be personal."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    context = next((line for line in lines if line.startswith("CONTEXT")), "")
    return " ".join(re.sub(r': ".*', "", line) for line in [*lines[:1], context] if line)
