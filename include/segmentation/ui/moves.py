"""Customers who came and left between two published dates (this module knows Airflow): lists with links, and a file.

Who looked, and at how many, is kept.
"""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Form, HTTPException, Query
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel, Field

from segmentation.language.texts import speaking, t
from segmentation.report import data
from segmentation.runs.register import Run
from segmentation.ui import access, columns, csv_file, reading, views
from segmentation.ui.api import LIMIT, PROBLEMS, Limit, Offset
from segmentation.ui.views import ROWS
from segmentation.ui.withdrawing import Decides, Deciding, from_our_pages
from segmentation.warehouse import db

NOBODY = 0  # a customer without a segment on a date
MOST = 2_147_483_647

From = Annotated[date | None, Query(alias="from", description="default: the date before `to`")]
To = Annotated[date | None, Query(alias="to", description="default: the newest published date")]
Side = Annotated[int | None, Query(ge=0, le=MOST, description="a segment; 0: not there; left out: any")]

api = APIRouter(prefix="/api/v1/movement", tags=["segments"], responses=PROBLEMS)
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Between:
    """Moves between two dates, from a segment (None: any, 0: not there) to another."""

    before: Run
    after: Run
    came_from: int | None
    went_to: int | None

    @property
    def first(self) -> date:
        """The earlier date."""
        return self.before.as_of_date

    @property
    def second(self) -> date:
        """The later date."""
        return self.after.as_of_date

    def statement(self, limit: int | None = None, offset: int = 0) -> tuple[str, dict[str, Any]]:
        """The statement of the customers, from their rows on both dates, and its parameters.

        Raises
        ------
        NotPublishedError
            The rows of a date are gone.
        """
        reading.refuse_dropped(self.before, self.after)
        sides = {"came_from": self.came_from, "went_to": self.went_to}
        params = {"first": self.first, "second": self.second, **sides, "limit": limit, "offset": offset}
        return db.statement("ui/moved_customers.sql"), params

    def page(self, conn: db.Connection, limit: int, offset: int) -> list[dict[str, Any]]:
        """The customers of a page, by id; found by the bytes of both dates, where these have some."""
        sides = (self.came_from, self.went_to)
        packed = columns.moved(conn, self.before, self.after, sides, limit, offset)
        if packed is None:
            return db.rows(conn, *self.statement(limit, offset))  # any order: the statement has one
        return db.rows(conn, db.statement("ui/numbered_moves.sql"), {"second": self.second, **packed})

    @property
    def segment_id(self) -> int | None:
        """The segment that was looked at, as the log keeps it."""
        return self.went_to or self.came_from or None


class Moved(BaseModel):
    """A customer who moved."""

    customer_id: str
    from_segment_id: int | None = Field(description="null: not there on the first date")
    to_segment_id: int | None = Field(description="null: no longer there on the second")
    spend_365d: float | None
    recency_days: float | None
    frequency_orders: float | None


class MovedCustomers(BaseModel):
    """A page of customers who moved between two dates."""

    first: date
    second: date
    limit: int
    offset: int
    items: list[Moved]


@api.get("/customers", summary="The customers who moved between two dates")
def customers(
    user: GetUserDep,
    first: From = None,
    second: To = None,
    source: Side = None,
    target: Side = None,
    limit: Limit = LIMIT,
    offset: Offset = 0,
) -> MovedCustomers:
    """From a segment, to one, or both. Who asked, and how many were shown, is kept."""
    with reading.connect() as conn, speaking(reading.language()):
        between = _between(conn, first, second, source, target)
        rows = between.page(conn, limit, offset)
    access.keep(user, "list", between.second, between.segment_id, len(rows))
    items = [Moved(**row) for row in rows]
    return MovedCustomers(first=between.first, second=between.second, limit=limit, offset=offset, items=items)


def _between(
    conn: db.Connection, first: date | None, second: date | None, source: int | None, target: int | None
) -> Between:
    """The two dates, which are published."""
    after = reading.run_of(conn, second)
    if first is None and after.parent_as_of_date is None:
        raise HTTPException(404, t("there is no published date before it to compare with"))
    before = reading.run_of(conn, first or after.parent_as_of_date)
    return Between(before, after, source, target)


@router.get("/moves")
def moves(
    user: GetUserDep,
    decides: Decides,
    first: From = None,
    second: To = None,
    source: Side = None,
    target: Side = None,
    number: Annotated[int, Query(alias="page", ge=1, le=2_000)] = 1,
) -> HTMLResponse:
    """A list of them, with a link to each customer."""
    with reading.connect() as conn, speaking(reading.language()):
        between = _between(conn, first, second, source, target)
        run = between.after
        rows = between.page(conn, ROWS + 1, (number - 1) * ROWS)
        names = db.rows(conn, db.statement("ui/names.sql"), {"between": [between.first, between.second]})
        called = {row["segment_id"]: row["name"] for row in names}
        page = views.page(
            "movement",
            conn,
            run,
            template="moves",
            between=between,
            rows=rows[:ROWS],
            has_more=len(rows) > ROWS,
            number=number,
            called=called,
            colours=data.colours(sorted(called)),
            decides=decides,
        )
    access.keep(user, "list", between.second, between.segment_id, len(rows[:ROWS]))
    return page


@router.post("/moves/customers.csv", dependencies=[Depends(from_our_pages)])
def export(
    user: Deciding,
    first: Annotated[date, Form(alias="from")],
    second: Annotated[date, Form(alias="to")],
    source: Annotated[str, Form(pattern=r"^\d{0,9}$")] = "",
    target: Annotated[str, Form(pattern=r"^\d{0,9}$")] = "",
) -> StreamingResponse:
    """All of them as CSV; ids and figures, no addresses."""
    with reading.connect() as conn, speaking(reading.language()):
        sides = [int(side) if side else None for side in (source, target)]
        between = _between(conn, first, second, *sides)
        file, count = csv_file.of(conn, *between.statement())
    access.keep(user, "export", between.second, between.segment_id, count)
    return csv_file.response(file, f"moves_{between.first}_{between.second}.csv")
