"""The pages of the UI under `/segmentation/`, made on the server with the cards of the report.

They work without script and from nowhere but here: the policy of each forbids anything else.
"""

from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import jinja2
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, BackgroundTasks, Depends, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response

from segmentation import applications, report, settings
from segmentation.language.texts import speaking, t
from segmentation.report import data, drawings
from segmentation.runs.register import Run
from segmentation.ui import models, reading, withdrawing
from segmentation.ui.customer import look_up
from segmentation.ui.withdrawing import NOTE, NOTE_CHARACTERS, Decides, Deciding
from segmentation.warehouse import db

FOLDER = Path(__file__).parent
HISTORY_DATES = 120  # of the charts
LISTED_DATES = 400  # to choose from
ROWS = 50  # of a page of a table

# (route, what the tab is called)
TABS = (
    ("segments", "Segments"),
    ("history", "History"),
    ("movement", "Movement"),
    ("applications", "Applications"),
    ("choice", "Model"),
    ("quality", "Quality"),
    ("customer", "Customer"),
    ("audiences", "Audiences"),
)
STATIC = {"style.css": "text/css", "page.css": "text/css", "script.js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}

Day = Annotated[date | None, Query(alias="date")]
Number = Annotated[int, Query(alias="page", ge=1, le=100_000)]
router = APIRouter(include_in_schema=False)


@lru_cache(maxsize=4)
def _environment(currency: str | None) -> jinja2.Environment:
    templates = report.environment(currency, FOLDER / "templates")
    templates.auto_reload = False
    return templates


def page(tab: str, conn: Any, run: Run, /, **values: Any) -> HTMLResponse:
    """A page of a tab; `template` names another file than that of the tab, `values` go to it."""
    currency = reading.currency(conn, run.as_of_date)
    shown = {
        "tab": tab,
        "tabs": TABS,
        "run": run,
        "currency": currency,
        "shop": settings.load().shop.name,
        "language": reading.language(),
        "in_a_month": run.as_of_date + timedelta(days=29),
        "dates": [row["as_of_date"] for row in reading.dates(conn, LISTED_DATES)[0]],
    }
    template = f"{values.pop('template', tab)}.html.j2"
    text = _environment(currency).get_template(template).render({**shown, **values})
    return HTMLResponse(text, headers=HEADERS)


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Style and script."""
    if name not in STATIC:
        raise HTTPException(404, "There is no such file")
    ours = FOLDER / "static" / name
    file = ours if ours.exists() else report.TEMPLATES / name
    headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(file.read_text(encoding="utf-8"), media_type=STATIC[name], headers=headers)


@router.get("/segments")
def segments(decides: Decides, day: Day = None) -> HTMLResponse:
    """The cards of a date."""
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, day)
        cards = reading.cards(conn, run)
        facts = data.Facts(
            shop=settings.load().shop.name,
            source=settings.load().shop.source,
            language=reading.language(),
            run=run,
            currency=reading.currency(conn, run.as_of_date),
            segments=cards,
            flows=data.read_flows(conn, run),
            events=data.read_events(conn, run),
            quality=reading.quality(conn, run),
        )
        return page("segments", conn, run, facts=facts, decides=decides)


@router.get("/history")
def history(number: Number = 1) -> HTMLResponse:
    """Size and value of each segment over the dates."""
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, None)
        rows = reading.history(conn, HISTORY_DATES)
        listed = reading.history(conn, ROWS, (number - 1) * ROWS)
        names = {row["segment_id"]: row["name"] for row in (*listed, *rows)}
        colours = data.colours(sorted(names))
        total = reading.dates(conn, 1)[1]
        titles = t("Customers of each segment over the dates"), t("Revenue of each segment over the dates")
        currency = reading.currency(conn, run.as_of_date)
        return page(
            "history",
            conn,
            run,
            customers=_lines(rows, names, colours, "customers", titles[0]),
            revenue=_lines(rows, names, colours, "revenue_365d", titles[1], currency),
            names=names,
            colours=colours,
            table=_by_date(listed),
            pages=pages_of(total, number),
        )


def _lines(
    rows: list[dict[str, Any]],
    names: dict[int, str],
    colours: dict[int, int],
    column: str,
    title: str,
    currency: str | None = None,
) -> Any:
    lines = [
        drawings.Line(
            i,
            names[i],
            colours[i],
            [(row["as_of_date"], row[column]) for row in rows if row["segment_id"] == i],
        )
        for i in sorted({row["segment_id"] for row in rows})
    ]
    return drawings.history(lines, title, "currency" if column == "revenue_365d" else "", currency)


def _by_date(rows: list[dict[str, Any]]) -> list[tuple[date, dict[int, dict[str, Any]]]]:
    """The newest date first, its segments by id."""
    rows_by_date: dict[date, dict[int, dict[str, Any]]] = {}
    for row in rows:
        rows_by_date.setdefault(row["as_of_date"], {})[row["segment_id"]] = row
    return sorted(rows_by_date.items(), reverse=True)


def pages_of(total: int, number: int, size: int = ROWS) -> dict[str, int]:
    """The page of a table, the last one, and the rows in all."""
    return {"number": number, "last": max(1, -(-total // size)), "total": total}


@router.get("/movement")
def movement(
    first: Annotated[date | None, Query(alias="from")] = None,
    second: Annotated[date | None, Query(alias="to")] = None,
) -> HTMLResponse:
    """Moves between two dates, whichever of them is named first."""
    if first and second:
        first, second = sorted([first, second])
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, second)
        moves = reading.movement(conn, first, run.as_of_date)
        flows = moves.flows if moves else []
        ids = sorted({i for flow in flows for i in (flow.source, flow.target) if i is not None})
        return page(
            "movement",
            conn,
            run,
            movement=moves,
            drawing=_drawing(conn, run, moves) if moves else None,
            colours=data.colours(ids),
            balance=_balance(flows),
        )


def _drawing(conn: Any, run: Run, moves: reading.Movement) -> Any:
    title = t("Customers moving between {first} and {second}", first=moves.first, second=moves.second)
    return report.movement(moves.flows, data.read_segments(conn, run), title)


def _balance(flows: list[data.Flow]) -> list[dict[str, Any]]:
    """Arrivals to and departures from each segment, the largest net change first."""
    sums: dict[int, dict[str, Any]] = {}
    for flow in flows:
        for i, name, side in ((flow.source, flow.source_name, "out"), (flow.target, flow.target_name, "in")):
            if i is None:
                continue
            entry = sums.setdefault(i, {"segment_id": i, "name": name, "in": 0, "out": 0, "stayed": 0})
            if flow.source == flow.target:
                entry["stayed"] = flow.customers
            else:
                entry[side] += flow.customers
    return sorted(sums.values(), key=lambda e: (-abs(e["in"] - e["out"]), e["segment_id"]))


@router.get("/applications")
def uses(day: Day = None) -> HTMLResponse:
    """The sections of the applications on a date."""
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, day)
        sections = applications.sections(conn, run, settings.load())
        return page("applications", conn, run, sections=sections)


@router.get("/customer")
def ask(day: Day = None) -> HTMLResponse:
    """The form to look a customer up."""
    with reading.connect() as conn, speaking(reading.language()):
        return page("customer", conn, reading.run_of(conn, day), customer_id="", customer=None, colours={})


@router.post("/customer")
def customer(
    # in the body, so that no log has the id; a NUL can be in no text of Postgres
    customer_id: Annotated[str, Form(alias="id", min_length=1, max_length=200, pattern=r"^[^\x00]+$")],
    user: GetUserDep,
    day: Annotated[date | None, Form(alias="date")] = None,
) -> HTMLResponse:
    """The segment of a customer, the reasons, and the segments before. Who asked is kept."""
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, day)
        stripped_id = customer_id.strip()
        customer = look_up(user, stripped_id, run.as_of_date)
        colours = _colours_of(conn, run, customer.stays) if customer else {}
        return page("customer", conn, run, customer_id=stripped_id, customer=customer, colours=colours)


def _colours_of(conn: Any, run: Run, stays: list[models.Stay]) -> dict[int, int]:
    """Colours of the segments of a date, as everywhere; of those that are no more, what is left."""
    rows = db.rows(conn, db.statement("ui/names.sql"), {"between": [run.as_of_date]})
    gone = data.colours(sorted({stay.segment_id for stay in stays}))
    return gone | data.colours([row["segment_id"] for row in rows])


@router.get("/withdraw")
def ask_why(user: Deciding, day: Day = None) -> HTMLResponse:
    """The form to take a date back: what readers will see, and why it is done."""
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, day)
        remaining = withdrawing.remaining(conn, run.as_of_date)
        context = {"remaining": remaining, "by": user.get_name(), "longest": NOTE_CHARACTERS}
        return page("segments", conn, run, template="withdraw", **context)


@router.post("/withdraw", dependencies=[Depends(withdrawing.from_our_pages)])
def withdraw(
    request: Request,
    user: Deciding,
    background: BackgroundTasks,
    day: Annotated[date, Form(alias="date")],
    note: Annotated[str, Form(max_length=NOTE_CHARACTERS, pattern=NOTE)],
) -> HTMLResponse:
    """Take a date back."""
    done = withdrawing.withdraw(day, user.get_name(), note.strip())
    background.add_task(withdrawing.tell)
    with speaking(reading.language()):
        text = (
            _environment(None)
            .get_template("withdrawn.html.j2")
            .render(
                done=done, tabs=TABS, language=reading.language(), root=request.scope.get("root_path", "")
            )
        )
    return HTMLResponse(text, headers=HEADERS)
