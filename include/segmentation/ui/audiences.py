"""Saved audiences in the UI (this module knows Airflow): counted at once, listed, exported, saved and removed.

To look is for whoever may see the runs of the DAG, as everywhere here; to save, remove and export for whoever may
decide about a held night. Whose customers were shown, and how many, is kept.
"""

from datetime import date, datetime
from typing import Annotated, Any

import psycopg2
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Form, HTTPException, Path, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from pydantic import BaseModel, Field, ValidationError

from segmentation.applications import saved_audiences
from segmentation.applications.saved_audiences import ID, Condition, Count, Definition, Filter
from segmentation.errors import NoAnswer, SettingsError
from segmentation.language.texts import speaking, t
from segmentation.report import data
from segmentation.runs.register import Run
from segmentation.ui import access, columns, csv_file, models, reading, views
from segmentation.ui.api import LIMIT, PROBLEMS, Day, Limit, Offset
from segmentation.ui.views import ROWS
from segmentation.ui.withdrawing import Decides, Deciding, from_our_pages, writable
from segmentation.warehouse import db

FORM_CONDITIONS = 4
ORDERS = {"id": "Customer id", "spend": "most spend first"}

AudienceId = Annotated[str, Path(pattern=f"^{ID}$")]
AskedId = Annotated[str, Query(alias="id", pattern=f"^{ID}$")]
FormId = Annotated[str, Form(alias="id", pattern=f"^{ID}$")]
ANSWERS: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    409: {"model": models.Error, "description": "It cannot be asked of the date, or its name is taken"},
}
api = APIRouter(prefix="/api/v1/audiences", tags=["audiences"], responses=ANSWERS)
counting = APIRouter(prefix="/api/v1/customers", tags=["audiences"], responses=ANSWERS)
router = APIRouter(include_in_schema=False)


class Saved(BaseModel):
    """A saved audience."""

    audience_id: str
    name: str
    segment_ids: list[int] = Field(description="empty: of every segment")
    conditions: list[Condition] = Field(description="all of them hold")
    note: str | None
    made_by: str
    made_at: datetime
    counted_on: date
    customers: int = Field(description="when it was saved")


class Counted(BaseModel):
    """Customers of a filter on a published date."""

    as_of_date: date
    customers: int
    revenue_365d: float = Field(description="their spend of a year, in the currency of the shop")
    segments: list[Count]


class SavedNow(Saved):
    """A saved audience, counted on a published date."""

    now: Counted


@api.get("", summary="Saved audiences by name")
def listed(limit: Limit = LIMIT, offset: Offset = 0) -> models.Page[Saved]:
    """A page of them."""
    with reading.connect() as conn:
        rows = saved_audiences.listed(conn, limit, offset)
        total = db.scalar(conn, "select count(*) from segments.saved_audiences")
    return models.Page(total=total, limit=limit, offset=offset, items=[Saved(**row) for row in rows])


@counting.post("/count", summary="How many customers a filter has")
def count(conditions: Filter, day: Day = None) -> Counted:
    """Nothing is saved."""
    with reading.connect() as conn, speaking(reading.language()):
        return _counted(conn, reading.run_of(conn, day), conditions)


@api.get("/{audience_id}", summary="A saved audience, counted")
def audience(audience_id: AudienceId, day: Day = None) -> SavedNow:
    """Counted on a published date, by default the newest."""
    with reading.connect() as conn, speaking(reading.language()):
        row = _needed(conn, audience_id)
        now = _counted(conn, reading.run_of(conn, day), Filter.of(row))
        return SavedNow(**row, now=now)


@api.post("", summary="Save an audience", status_code=201, dependencies=[Depends(from_our_pages)])
def save(definition: Definition, user: Deciding) -> Saved:
    """Saved again as it is, it is returned as it was."""
    with speaking(reading.language()):
        return _save(definition, user.get_name())


@api.post(
    "/{audience_id}/remove",
    summary="Remove a saved audience",
    status_code=204,
    dependencies=[Depends(from_our_pages)],
)
def remove(audience_id: AudienceId, user: Deciding) -> None:
    """Campaigns that were made for it have its conditions of their own."""
    with speaking(reading.language()):
        _remove(audience_id)


def _needed(conn: db.Connection, audience_id: str) -> dict[str, Any]:
    try:
        return saved_audiences.needed(conn, audience_id)
    except SettingsError as error:
        raise HTTPException(404, str(error)) from None


def _counted(conn: db.Connection, run: Run, conditions: Filter) -> Counted:
    counts, _ = _counts(conn, run, conditions)
    return _summed(run, counts)


def _counts(conn: db.Connection, run: Run, conditions: Filter) -> tuple[list[Count], columns.Selected | None]:
    """Customers by segment; and who they are, where the date is packed."""
    try:
        saved_audiences.refuse(conn, run, conditions)
        selected = columns.select(conn, run, conditions)
        if selected is None:
            return saved_audiences.counts(conn, run, conditions), None
    except SettingsError as error:
        raise HTTPException(409, str(error)) from None
    return [Count(*one) for one in selected.by_segment()], selected


def _summed(run: Run, counts: list[Count]) -> Counted:
    return Counted(
        as_of_date=run.as_of_date,
        customers=sum(one.customers for one in counts),
        revenue_365d=sum(one.revenue_365d for one in counts),
        segments=counts,
    )


def _save(definition: Definition, by: str) -> Saved:
    with reading.connect() as conn:
        run = reading.run_of(conn, None)
    try:
        return Saved(**saved_audiences.save(writable(), run, definition, by))
    except SettingsError as error:
        raise HTTPException(409, str(error)) from None
    except (NoAnswer, psycopg2.Error) as error:
        raise reading.UnavailableError.of(error) from None


def _remove(audience_id: str) -> None:
    try:
        saved_audiences.remove(writable(), audience_id)
    except SettingsError as error:
        raise HTTPException(404, str(error)) from None
    except (NoAnswer, psycopg2.Error) as error:
        raise reading.UnavailableError.of(error) from None


# --- pages ------------------------------------------------------------------------------------------------


@router.get("/audiences")
def audiences(decides: Decides, day: views.Day = None) -> HTMLResponse:
    """The saved audiences, and the form of a new one."""
    with reading.connect() as conn, speaking(reading.language()):
        return _form(conn, reading.run_of(conn, day), decides, {})


@router.post("/audiences", dependencies=[Depends(from_our_pages)])
def ask(
    user: GetUserDep,
    decides: Decides,
    name: Annotated[str, Form(max_length=80)] = "",
    segment_ids: Annotated[list[int] | None, Form(alias="segment")] = None,
    feature: Annotated[list[str] | None, Form()] = None,
    at_least: Annotated[list[str] | None, Form()] = None,
    at_most: Annotated[list[str] | None, Form()] = None,
    action: Annotated[str, Form(alias="do", pattern="^(count|save)$")] = "count",
) -> Response:
    """Count what the form asks for, or save it; a fault is said beside the form as it was filled in."""
    rows = list(zip(feature or [], at_least or [], at_most or [], strict=False))
    filled: dict[str, Any] = {"name": name, "segments": segment_ids or [], "rows": rows}
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, None)
        try:
            conditions = _filter(segment_ids or [], rows)
            filled["counted"] = _counted(conn, run, conditions)
            if action == "save":
                if not decides:
                    raise HTTPException(
                        403, t("to save an audience is for whoever may decide about held nights")
                    )
                saved = _save(_named(name, conditions), user.get_name())
                where = f"audience?id={saved.audience_id}"
                return RedirectResponse(where, 303, headers=views.HEADERS)
        except HTTPException as error:
            if error.status_code == 403:
                raise
            filled["fault"] = str(error.detail)
        except (SettingsError, ValueError) as error:
            filled["fault"] = str(error)
        return _form(conn, run, decides, filled)


def _filter(segment_ids: list[int], rows: list[tuple[str, str, str]]) -> Filter:
    """The request of a form.

    Raises
    ------
    ValueError
        A bound is no number, or nothing is asked for.
    """
    conditions = [
        {"feature": name, "at_least": _number(low), "at_most": _number(high)}
        for name, low, high in rows
        if name and (low.strip() or high.strip())
    ]
    return _validated(Filter, {"segment_ids": segment_ids, "conditions": conditions})


def _named(name: str, conditions: Filter) -> Definition:
    return _validated(Definition, {**conditions.model_dump(), "name": " ".join(name.split())})


def _validated(kind: Any, values: dict[str, Any]) -> Any:
    """A model of values; a fault in it as words for a person."""
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"][:1] == ("name",):
            raise ValueError(t("give the audience a name")) from None
        raise ValueError(t(first["msg"].removeprefix("Value error, "))) from None


def _number(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise ValueError(t("a bound is a number")) from None


def _form(conn: db.Connection, run: Run, decides: bool, filled: dict[str, Any]) -> HTMLResponse:
    rows = [*filled.get("rows", []), *[("", "", "")] * FORM_CONDITIONS]
    return views.page(
        "audiences",
        conn,
        run,
        listed=saved_audiences.listed(conn),
        features=saved_audiences.features(conn),
        segments=data.read_segments(conn, run),
        rows=rows[: max(FORM_CONDITIONS, len(filled.get("rows", [])))],
        name=filled.get("name", ""),
        chosen=filled.get("segments", []),
        counted=filled.get("counted"),
        fault=filled.get("fault", ""),
        decides=decides,
    )


@router.get("/audience")
def shown(
    user: GetUserDep,
    decides: Decides,
    audience_id: AskedId,
    day: views.Day = None,
    order: Annotated[str, Query(pattern="^(id|spend)$")] = "id",
    number: Annotated[int, Query(alias="page", ge=1, le=2_000)] = 1,
) -> HTMLResponse:
    """A saved audience with its customers."""
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, day)
        row = _needed(conn, audience_id)
        conditions = Filter.of(row)
        counts, selected = _counts(conn, run, conditions)
        counted = _summed(run, counts)
        rows = _page(conn, run, conditions, selected, order, (number - 1) * ROWS)
        segments = data.read_segments(conn, run)
        labels = {feature.name: feature for feature in saved_audiences.features(conn)}
        page = views.page(
            "audiences",
            conn,
            run,
            template="audience",
            audience=row,
            definition=conditions,
            labels=labels,
            by_id={segment.segment_id: segment for segment in segments},
            counted=counted,
            rows=rows,
            number=number,
            last=max(1, -(-counted.customers // ROWS)),
            order=order,
            orders=ORDERS,
            decides=decides,
        )
    access.keep(user, "list", run.as_of_date, None, len(rows), audience_id)
    return page


def _page(
    conn: db.Connection,
    run: Run,
    conditions: Filter,
    selected: columns.Selected | None,
    order: str,
    offset: int,
) -> list[dict[str, Any]]:
    """The customers of a page."""
    if selected is None:
        query, params = saved_audiences.customers(run, conditions, order, ROWS, offset)
        return db.rows(conn, query, params)  # any order: the statement has one
    numbers = selected.page(ROWS, offset, by_spend=order == "spend")
    return db.rows(conn, db.statement("ui/numbered_customers.sql"), {**run.params, "numbers": numbers})


@router.post("/audience/customers.csv", dependencies=[Depends(from_our_pages)])
def export(
    user: Deciding, audience_id: FormId, day: Annotated[date | None, Form(alias="date")] = None
) -> StreamingResponse:
    """The customers of a saved audience as CSV; ids and figures, no addresses."""
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, day)
        conditions = Filter.of(_needed(conn, audience_id))
        _counted(conn, run, conditions)
        file, rows = csv_file.of(conn, *saved_audiences.customers(run, conditions, "id"))
    access.keep(user, "export", run.as_of_date, None, rows, audience_id)
    return csv_file.response(file, f"audience_{audience_id}_{run.as_of_date}.csv")


@router.post("/audience/remove", dependencies=[Depends(from_our_pages)])
def forget(user: Deciding, audience_id: FormId) -> RedirectResponse:
    """Remove a saved audience."""
    with speaking(reading.language()):
        _remove(audience_id)
    return RedirectResponse("../audiences", 303, headers=views.HEADERS)
