"""The page of a segment: who they are, its customers, two side by side, a file of them, a name of one's own.

Whose customers are shown, and how many, is kept with who asked (`operations.access_log`).
"""

from datetime import date
from typing import Annotated, Any, Literal

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Form, HTTPException, Query
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from segmentation.language.texts import speaking, t
from segmentation.report.data import Profile, Segment
from segmentation.runs.register import Run
from segmentation.ui import access, columns, csv_file, reading, views
from segmentation.ui.views import ROWS
from segmentation.ui.withdrawing import Decides, Deciding, from_our_pages
from segmentation.warehouse import db

MOST_PAGES = 2_000  # of a list; who wants more takes the file
Order = Literal["id", "spend", "clear", "unclear"]
ORDERS: dict[Order, str] = {
    "id": "Customer id",
    "spend": "most spend first",
    "clear": "the clearest first",
    "unclear": "the least clear first",
}
ORDERINGS: dict[Order, str] = {
    "id": "cs.customer_id",
    "spend": "f.spend_365d desc nulls last, cs.customer_id",
    "clear": "cs.confidence desc, cs.customer_id",
    "unclear": "cs.confidence, cs.customer_id",
}
COLUMN_OF: dict[Order, str] = {
    "spend": columns.SPEND,
    "clear": columns.CONFIDENCE,
    "unclear": columns.CONFIDENCE,
}
WHICH = {"all": "all", "arrived": "new here since the date before", "outliers": "fit nowhere well"}
NAME = r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$"

SegmentId = Annotated[int, Query(alias="id", ge=1)]
Which = Annotated[Literal["all", "arrived", "outliers"], Query()]
router = APIRouter(include_in_schema=False)


def customers(
    run: Run, segment_id: int, which: str, order: Order, limit: int | None, offset: int = 0
) -> tuple[str, dict[str, Any]]:
    """The statement of customers of a segment on a date, with what a list of them shows; and its parameters."""
    own_params = {"segment_id": segment_id, "which": which, "limit": limit, "offset": offset}
    query = db.statement("ui/segment_customers.sql", ordering=ORDERINGS[order])
    return query, {**run.params, **own_params}


def page_of(
    conn: db.Connection, run: Run, segment_id: int, which: str, order: Order, limit: int, offset: int
) -> list[dict[str, Any]]:
    """A page of them; sorted in memory, where the date is packed."""
    members = columns.members(conn, run, segment_id, which)
    if members is None:
        # any order: the statement has one
        return db.rows(conn, *customers(run, segment_id, which, order, limit, offset))
    column = COLUMN_OF.get(order)
    by = columns.COLUMNS.of(conn, run, [column])[column] if column else None
    numbers = columns.page(members, limit, offset, by, smallest_first=order == "unclear")
    return db.rows(conn, db.statement("ui/numbered_customers.sql"), {**run.params, "numbers": numbers})


def _card(cards: list[Segment], segment_id: int) -> Segment:
    card = next((one for one in cards if one.segment_id == segment_id), None)
    if card is None:
        raise HTTPException(404, t("there is no segment {id} on the date", id=segment_id))
    return card


@router.get("/segment")
def segment(
    user: GetUserDep,
    may_decide: Decides,
    segment_id: SegmentId,
    day: views.Day = None,
    which: Which = "all",
    order: Annotated[Order, Query()] = "id",
    number: Annotated[int, Query(alias="page", ge=1, le=MOST_PAGES)] = 1,
    beside: Annotated[int | None, Query(ge=1)] = None,
) -> HTMLResponse:
    """A segment with its customers; `beside`: and another one, feature by feature."""
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, day)
        cards = reading.cards(conn, run)
        one = _card(cards, segment_id)
        rows = page_of(conn, run, segment_id, which, order, ROWS + 1, (number - 1) * ROWS)
        names = {card.segment_id: card for card in cards}
        params = {**run.params, "segment_id": segment_id}
        page = views.page(
            "segments",
            conn,
            run,
            template="segment",
            segment=one,
            others=[card for card in cards if card is not one],
            moves=db.rows(conn, db.statement("ui/segment_moves.sql"), params),
            by_id=names,
            rows=rows[:ROWS],
            has_more=len(rows) > ROWS,
            number=number,
            which=which,
            order=order,
            whiches=WHICH,
            orders=ORDERS,
            may_rename=may_decide,
            other=_card(cards, beside) if beside else None,
            compared=_compared(one, _card(cards, beside)) if beside else [],
        )
    access.keep(user, "list", run.as_of_date, segment_id, len(rows[:ROWS]))
    return page


def _compared(one: Segment, other: Segment) -> list[tuple[Profile, Profile]]:
    """The features of two segments, those in which they differ most first."""
    both = [(one.profiles[name], other.profiles[name]) for name in one.profiles if name in other.profiles]
    differing = [pair for pair in both if abs(pair[0].effect - pair[1].effect) >= 0.1]
    return sorted(differing, key=lambda pair: (-abs(pair[0].effect - pair[1].effect), pair[0].feature.name))


@router.post("/segment/customers.csv", dependencies=[Depends(from_our_pages)])
def export(
    user: Deciding,
    segment_id: Annotated[int, Form(alias="id", ge=1)],
    day: Annotated[date | None, Form(alias="date")] = None,
    which: Annotated[Literal["all", "arrived", "outliers"], Form()] = "all",
) -> StreamingResponse:
    """The customers of a segment as CSV; ids and figures, no addresses: `make audiences` has those with consent."""
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, day)
        _card(reading.cards(conn, run), segment_id)
        file, count = csv_file.of(conn, *customers(run, segment_id, which, "id", None))
    access.keep(user, "export", run.as_of_date, segment_id, count)
    return csv_file.response(file, f"segment_{segment_id}_{run.as_of_date}.csv")


@router.post("/segment/name", dependencies=[Depends(from_our_pages)])
def rename(
    user: Deciding,
    segment_id: Annotated[int, Form(alias="id", ge=1)],
    name: Annotated[str, Form(max_length=80, pattern=rf"{NAME}|^$")] = "",
    day: Annotated[date | None, Form(alias="date")] = None,
) -> RedirectResponse:
    """Give a segment a name of one's own, for good; an empty one takes it back."""
    with reading.connect() as conn:
        run = reading.run_of(conn, day)
        _card(reading.cards(conn, run), segment_id)
    access.rename(user, segment_id, " ".join(name.split()))
    return RedirectResponse(f"../segment?id={segment_id}&date={run.as_of_date}", 303, headers=views.HEADERS)
