"""Queries of the pages and the API of the UI, by a role that can do nothing else; small tables, keys, pages.

The role is `segments_ui`: it reads the schema `segments`, and of other schemas the features and the currency
of the orders. A transaction that reads only holds it, in case the role has been given more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import psycopg2

from segmentation import settings
from segmentation.errors import NoAnswer, SettingsError, UserError
from segmentation.language.texts import t
from segmentation.publishing import packed_assignments
from segmentation.quality import results
from segmentation.quality.results import Result
from segmentation.report import data
from segmentation.report.data import Flow, Segment
from segmentation.runs import connections
from segmentation.runs.register import Run
from segmentation.warehouse import db

ROLE = "segments_ui"
OWN_CONNECTION = "warehouse_ui"
SECONDS = 15  # a statement of the UI is ended after
SORTED = "32MB"  # in memory, of a list: the customers of a segment of a hundred thousand
STAYS_DAYS = 400  # how far back a look-up goes


NOTHING = "nothing is published yet"


class NotPublishedError(UserError):
    """Nothing of the date is published."""


class UnavailableError(UserError):
    """The warehouse cannot be read; the message says what to do."""

    @classmethod
    def of(cls, error: Exception) -> "UnavailableError":
        """The error for a warehouse that has refused, or has not answered."""
        text = str(error) if isinstance(error, NoAnswer) else f"the warehouse refused: {type(error).__name__}"
        return cls(text)


def database() -> db.Database:
    """The warehouse as the UI's role: by a connection of its own where there is one, else by changing role.

    Raises
    ------
    SettingsError
        When there is neither connection.
    """
    try:
        own, role = connections.database(OWN_CONNECTION), ""
    except SettingsError:
        own, role = connections.database("warehouse"), f"-c role={ROLE}"
    limits_of_sql = f"-c statement_timeout={SECONDS}s -c work_mem={SORTED}"
    options = f"{own.params.get('options', '')} {role} {limits_of_sql}".strip()
    limits = own.limits.model_copy(update={"recover_seconds": 0})  # a page does not wait
    return replace(own, params={**own.params, "options": options}, limits=limits)


@contextmanager
def connect() -> Iterator[db.Connection]:
    """One snapshot of the warehouse, read only.

    Raises
    ------
    UnavailableError
        When it cannot be had: no server, no role, no schema yet.
    """
    try:
        with database().connect(readonly=True) as conn:
            yield conn
    except psycopg2.errors.QueryCanceled:
        raise UnavailableError(f"the warehouse took longer than {SECONDS} s to answer; try again") from None
    except psycopg2.errors.UndefinedTable:
        raise NotPublishedError(t(NOTHING)) from None
    except (psycopg2.OperationalError, NoAnswer) as error:
        if f'role "{ROLE}" does not exist' in str(error) or "permission denied to set role" in str(error):
            raise UnavailableError(
                f"the role {ROLE} is missing: docs/production.md, 'The page in the UI', has its statements"
            ) from None
        raise UnavailableError("the warehouse does not answer") from None
    except SettingsError as error:
        raise UnavailableError(str(error)) from None


def dates(conn: db.Connection, limit: int, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """A page of the published dates, the newest first, and how many there are."""
    rows = db.rows(conn, db.statement("ui/dates.sql"), {"limit": limit, "offset": offset})
    if rows:
        return rows, rows[0]["total"]
    count = "select count(distinct as_of_date) from segments.runs where status = 'published'"
    return [], db.scalar(conn, count)


def run_of(conn: db.Connection, as_of_date: date | None) -> Run:
    """The published run of a date; None: of the newest.

    Raises
    ------
    NotPublishedError
    """
    row = db.row(conn, db.statement("ui/run.sql"), {"as_of_date": as_of_date})
    if row is None:
        reason = t("nothing of {date} is published", date=as_of_date) if as_of_date else t(NOTHING)
        raise NotPublishedError(reason)
    return Run.of(row)


def cards(conn: db.Connection, run: Run) -> list[Segment]:
    """The segments of a run with everything that a card shows."""
    return data.details(conn, run, data.read_segments(conn, run), data.read_events(conn, run))


def history(conn: db.Connection, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Size and value of each segment on a page of the published dates, the oldest first."""
    rows = db.rows(conn, db.statement("ui/history.sql"), {"dates": limit, "skip": offset})
    return [{**row, "revenue_365d": float(row["revenue_365d"])} for row in rows]


@dataclass(frozen=True)
class Movement:
    """Moves between two dates."""

    first: date
    second: date
    flows: list[Flow]
    has_revenue: bool

    @property
    def moved(self) -> int:
        """Customers who are there on both dates, in another segment."""
        return sum(flow.customers for flow in self._both if flow.source != flow.target)

    @property
    def compared(self) -> int:
        """Customers who are there on both dates."""
        return sum(flow.customers for flow in self._both)

    @property
    def _both(self) -> list[Flow]:
        return [flow for flow in self.flows if flow.source is not None and flow.target is not None]


def refuse_dropped(*runs: Run) -> None:
    """Say so where the rows of a date are gone.

    Raises
    ------
    NotPublishedError
    """
    for run in runs:
        if run.dropped_at:
            reason = t("who was in which segment on {date} is no longer kept", date=run.as_of_date)
            raise NotPublishedError(reason)


def movement(conn: db.Connection, first: date | None, second: date | None) -> Movement | None:
    """Moves between two published dates; by default between the newest and the one it was built on.

    Of a date and its parent the record is read, with revenue; of two others their bytes are compared, or the
    assignments where a date has none yet. None where the second date has no date before it and none is told.

    Raises
    ------
    NotPublishedError
    """
    after = run_of(conn, second)
    if first is None and after.parent_as_of_date is None:
        return None
    before = run_of(conn, first or after.parent_as_of_date)
    recorded = after.parent_run_id == before.run_id
    if recorded:
        rows = db.rows(conn, db.statement("ui/recorded_movement.sql"), after.params)
    else:
        dates = {"first": before.as_of_date, "second": after.as_of_date}
        packed = packed_assignments.compare(conn, before.run_id, after.run_id)
        if packed is None:
            refuse_dropped(before, after)
        rows = packed if packed is not None else db.rows(conn, db.statement("ui/movement.sql"), dates)
    between = [before.as_of_date, after.as_of_date]
    names: dict[date, dict[int | None, str]] = {day: {} for day in between}
    for row in db.rows(conn, db.statement("ui/names.sql"), {"between": between}):
        names[row["as_of_date"]][row["segment_id"]] = row["name"]
    flows = [
        Flow(
            source=source,
            source_name=data.side(source, names[between[0]].get(source), "new customers"),
            target=target,
            target_name=data.side(target, names[between[1]].get(target), "no longer there"),
            customers=row["customers"],
            revenue=float(row.get("revenue_365d") or 0),
        )
        for row in rows
        for source, target in [(row["from_segment_id"], row["to_segment_id"])]
    ]
    return Movement(before.as_of_date, after.as_of_date, flows, has_revenue=recorded)


def leaderboard(conn: db.Connection, run: Run) -> list[dict[str, Any]]:
    """Every candidate of a run, the best first."""
    return db.rows(conn, db.statement("report/leaderboard.sql"), run.params)


def quality(conn: db.Connection, run: Run) -> list[Result]:
    """Results of the gates of a run, failures first."""
    return results.read(conn, run.run_id)


def quality_history(conn: db.Connection, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Checks of each gate on a page of the dates, and how many were not met; the newest first."""
    return db.rows(conn, db.statement("ui/quality_history.sql"), {"dates": limit, "skip": offset})


def judged_dates(conn: db.Connection) -> int:
    """Number of dates with a run that the gates have judged to its end."""
    statuses = "'published', 'rejected', 'held'"
    return db.scalar(
        conn, f"select count(distinct as_of_date) from segments.runs where status in ({statuses})"
    )


@dataclass(frozen=True)
class Stay:
    """A customer in a segment, on one published date after the other."""

    segment_id: int
    name: str
    first: date
    last: date
    confidence: float


@dataclass(frozen=True)
class Customer:
    """The segment of a customer, the reasons, and the segments before."""

    customer_id: str
    as_of_date: date
    segment: Segment
    confidence: float
    is_outlier: bool
    days_in_segment: int
    features: dict[str, Any]
    stays: list[Stay]


def customer(conn: db.Connection, customer_id: str, as_of_date: date | None = None) -> Customer | None:
    """A customer of a date; None where nobody of that id has a segment on it.

    Raises
    ------
    NotPublishedError
    """
    run = run_of(conn, as_of_date)
    params = {**run.params, "customer_id": customer_id, "since": run.as_of_date - timedelta(days=STAYS_DAYS)}
    rows = db.rows(conn, db.statement("ui/customer.sql"), params)
    if not rows or rows[0]["as_of_date"] != run.as_of_date:
        refuse_dropped(run)
        return None
    now = rows[0]
    segments = cards(conn, run)
    values = db.row(conn, db.statement("ui/customer_features.sql"), params)
    return Customer(
        customer_id=customer_id,
        as_of_date=run.as_of_date,
        segment=next(segment for segment in segments if segment.segment_id == now["segment_id"]),
        confidence=now["confidence"],
        is_outlier=now["is_outlier"],
        days_in_segment=now["days_in_segment"],
        features=values["found"] if values else {},
        stays=_stays(rows),
    )


def _stays(rows: list[dict[str, Any]]) -> list[Stay]:
    """Dates in a row in the same segment as one stay, the newest first."""
    stays: list[Stay] = []
    for row in rows:
        if stays and stays[-1].segment_id == row["segment_id"]:
            stays[-1] = replace(stays[-1], first=row["as_of_date"])
        else:
            day = row["as_of_date"]
            stays.append(Stay(row["segment_id"], row["name"], day, day, row["confidence"]))
    return stays


def currency(conn: db.Connection, as_of_date: date) -> str | None:
    """The currency of the shop."""
    return data.currency_of(conn, as_of_date)


def language() -> str:
    """The language of the pages."""
    return settings.load().language
