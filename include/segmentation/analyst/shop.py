"""The published tables of a shop as frames: `open_shop`."""

import os
from contextlib import closing
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import psycopg2
from psycopg2.extensions import parse_dsn

from segmentation.errors import SettingsError
from segmentation.warehouse import db
from segmentation.warehouse.db import Database

if TYPE_CHECKING:
    import pandas as pd

DSN = "SEGMENTATION_DSN"
WHOLE = ("segment_id", "previous_segment_id", "rule_segment_id", "days_in_segment")  # numbers, but no floats


def open_shop(where: str | None = None) -> "Shop":
    """Open the published tables of a shop; nothing can be changed through it.

    Parameters
    ----------
    where
        A libpq address (`postgresql://...` or `host=... dbname=...`), or the name of a shop on this machine.
        By default the address in the variable SEGMENTATION_DSN, else the shop that `make` used last.

    Raises
    ------
    SettingsError
        The address cannot be read, or there is no such shop on this machine.
    NoAnswer
        The server does not let one in; raised by the first question.

    Examples
    --------
    >>> from segmentation import open_shop
    >>> with open_shop() as shop:                                   # doctest: +SKIP
    ...     who = shop.segments()[["name", "customers", "share"]]
    ...     features = shop.features()
    """
    where = where or os.environ.get(DSN)
    if where and ("://" in where or "=" in where):
        return Shop(Database("warehouse", _parsed(where)))
    return _on_this_machine(where)


def _parsed(dsn: str) -> dict[str, Any]:
    try:
        return dict(parse_dsn(dsn))
    except psycopg2.ProgrammingError:  # its text has the address, perhaps with a password
        raise SettingsError(
            "the address of the warehouse cannot be read; write it as "
            "postgresql://analyst@host:5432/warehouse?passfile=/home/me/.pgpass"
        ) from None


def _on_this_machine(name: str | None) -> "Shop":
    from segmentation.local import door
    from segmentation.local import home as homes

    home = homes.find(name, None, None, None)
    if not (home.folder / "postgres").exists():
        raise SettingsError(f"shop '{home.shop}' has no database here yet: make run SHOP={home.shop}")
    server = home.start_server()
    return Shop(door.database(server), server)


class Shop:
    """Frames of a shop as of a published date; without a date, of the newest one.

    Ids of segments are permanent: a segment is the same on every date on which it is found. Close it, or use
    it in a `with` block: a server on this machine stops with its last user.
    """

    def __init__(self, warehouse: Database, server: Any = None) -> None:
        self._warehouse, self._server = warehouse, server

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the server, if it is on this machine."""
        if self._server is not None:
            self._server.cleanup()
            self._server = None

    def dates(self) -> list[date]:
        """The published dates that are kept, the oldest first."""
        query = "select distinct as_of_date from segments.segment_versions order by as_of_date"
        with self._warehouse.connect(readonly=True) as conn:
            return [row["as_of_date"] for row in db.rows(conn, query)]

    def features(self, as_of: date | str | None = None) -> "pd.DataFrame":
        """The features of a date: a row a customer (index `customer_id`), a column a feature, NaN: unknown."""
        return self._customers_of("features.customer_features", as_of)

    def customers(self, as_of: date | str | None = None) -> "pd.DataFrame":
        """Segment, confidence and days in it of each customer of a date (index `customer_id`)."""
        frame = self._customers_of("segments.customer_segments", as_of)
        whole = [name for name in WHOLE if name in frame]
        return frame.astype(dict.fromkeys(whole, "Int64")).assign(is_outlier=frame["is_outlier"] == "t")

    def segments(self, as_of: date | str | None = None) -> "pd.DataFrame":
        """Names, rules, sizes and revenue of the segments of a date (index `segment_id`), the richest first."""
        order = "revenue_365d desc, segment_id"
        return self._of_date("segments.segment_versions", as_of, order).set_index("segment_id")

    def profiles(self, as_of: date | str | None = None) -> "pd.DataFrame":
        """Means and medians of the features of each segment: a row a segment and feature."""
        return self._of_date("segments.segment_profiles", as_of, "segment_id, feature")

    def leaderboard(self, as_of: date | str | None = None) -> "pd.DataFrame":
        """The candidates of the search of a date, the best first, with their scores."""
        return self._of_date("segments.model_leaderboard", as_of, "rank nulls last, candidate")

    def sql(self, query: str, params: dict[str, Any] | None = None) -> "pd.DataFrame":
        """The rows of any query; write values as `%(name)s` and give them in `params`."""
        import pandas as pd

        with self._warehouse.connect(readonly=True) as conn, closing(conn.cursor()) as cursor:
            cursor.execute(query, params)
            names = [column.name for column in cursor.description or ()]
            return pd.DataFrame(cursor.fetchall() if names else [], columns=names)

    def _of_date(self, table: str, as_of: date | str | None, order: str) -> "pd.DataFrame":
        """The rows of a date without its column; `table` and `order` are ours."""
        with self._warehouse.connect(readonly=True) as conn:
            day = _published(conn, as_of)
        frame = self.sql(f"select * from {table} where as_of_date = %(day)s order by {order}", {"day": day})
        return _without_date(frame, table, day)

    def _customers_of(self, table: str, as_of: date | str | None) -> "pd.DataFrame":
        """Rows as `_of_date` has them, of a table with one a customer: by COPY, since there may be millions."""
        with self._warehouse.connect(readonly=True) as conn:
            day = _published(conn, as_of)
            query = f"select * from {table} where as_of_date = %(day)s order by customer_id"
            frame = db.read_frame(conn, query, {"day": day})
        return _without_date(frame, table, day).set_index("customer_id")


def _without_date(frame: "pd.DataFrame", table: str, day: date) -> "pd.DataFrame":
    """The frame without what is the same in every row.

    Raises
    ------
    LookupError
        It has no rows.
    """
    if frame.empty:
        raise LookupError(f"{table} has no rows of {day}: they are past their time (docs/retention.md)")
    return frame.drop(columns=["as_of_date", "run_id"], errors="ignore")


def _published(conn: db.Connection, as_of: date | str | None) -> date:
    """The date asked for, or the newest one.

    Raises
    ------
    LookupError
        It is not published; the message has the nearest ones.
    """
    days = [
        row["as_of_date"]
        for row in db.rows(
            conn, "select distinct as_of_date from segments.segment_versions order by as_of_date"
        )
    ]
    if not days:
        raise LookupError("no date is published yet: make run")
    day = date.fromisoformat(as_of) if isinstance(as_of, str) else as_of or days[-1]
    if day not in days:
        near = sorted(sorted(days, key=lambda one: abs((one - day).days))[:3])
        raise LookupError(f"{day} is not published; near it are {', '.join(map(str, near))}")
    return day
