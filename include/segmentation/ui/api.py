"""The JSON API under `/segmentation/api/v1`: what the pages show and do, for programs. Lists are paged.

It changes nothing but by `withdraw`.
"""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException, Query

from segmentation.language.texts import speaking
from segmentation.quality.results import Result
from segmentation.report import words
from segmentation.report.data import Profile, Segment
from segmentation.ui import models, reading, withdrawing
from segmentation.ui.customer import look_up

LIMIT = 100
SCORES = tuple(column for column, _, _ in words.SCORES)

Limit = Annotated[int, Query(ge=1, le=500, description="items of a page")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="items before the page")]
Day = Annotated[
    date | None, Query(alias="date", description="a published date; the newest where none is told")
]

PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": models.Error, "description": "No token, or one that has expired"},
    403: {"model": models.Error, "description": "No right to see the runs of the DAG"},
    404: {"model": models.Error, "description": "Nothing is published of the date, or nobody has the id"},
    503: {"model": models.Error, "description": "The warehouse cannot be read"},
}
router = APIRouter(prefix="/api/v1", tags=["segments"], responses=PROBLEMS)


@router.get("/dates", summary="The published dates, the newest first")
def dates(limit: Limit = LIMIT, offset: Offset = 0) -> models.Page[models.PublishedDate]:
    """A page of them."""
    with reading.connect() as conn:
        items, total = reading.dates(conn, limit, offset)
    return models.Page(total=total, limit=limit, offset=offset, items=items)


@router.get("/segments", summary="Every segment of a date")
def segments(day: Day = None) -> models.Segments:
    """Names, sizes, rules, profiles, products, habits, playbook."""
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, day)
        return models.Segments(
            as_of_date=run.as_of_date,
            run_id=run.run_id,
            currency=reading.currency(conn, run.as_of_date),
            items=[_card(segment) for segment in reading.cards(conn, run)],
        )


@router.get("/history", summary="Size and value of each segment over the dates")
def history(limit: Limit = LIMIT, offset: Offset = 0) -> models.Page[models.SegmentOfDate]:
    """A page of dates (so many, and all their segments), the oldest of the page first."""
    with reading.connect() as conn:
        items, total = reading.history(conn, limit, offset), reading.dates(conn, 1)[1]
    return models.Page(total=total, limit=limit, offset=offset, items=items)


@router.get("/movement", summary="Who moved between two dates")
def movement(
    first: Annotated[date | None, Query(alias="from", description="default: the date before `to`")] = None,
    second: Annotated[
        date | None, Query(alias="to", description="default: the newest published date")
    ] = None,
) -> models.Movement:
    """Counts from and to each segment; with revenue between a date and the one before it."""
    with reading.connect() as conn, speaking(reading.language()):
        moves = reading.movement(conn, first, second)
    if moves is None:
        raise HTTPException(404, "there is no published date before it to compare with")
    return models.Movement(
        first=moves.first,
        second=moves.second,
        moved=moves.moved,
        compared=moves.compared,
        flows=[
            models.Flow(
                from_segment_id=flow.source,
                from_name=flow.source_name,
                to_segment_id=flow.target,
                to_name=flow.target_name,
                customers=flow.customers,
                revenue_365d=flow.revenue if moves.has_revenue else None,
            )
            for flow in moves.flows
        ],
    )


@router.get("/leaderboard", summary="Every candidate of a date's choice, the best first")
def leaderboard(day: Day = None, limit: Limit = LIMIT, offset: Offset = 0) -> models.Page[models.Candidate]:
    """With its scores and the constraints it violates."""
    with reading.connect() as conn:
        rows = reading.leaderboard(conn, reading.run_of(conn, day))
    items = [{**row, "scores": {name: row.get(name) for name in SCORES}} for row in rows[offset:][:limit]]
    return models.Page(total=len(rows), limit=limit, offset=offset, items=items)


@router.get("/quality", summary="What the gates found on a date, failures first")
def quality(day: Day = None, limit: Limit = LIMIT, offset: Offset = 0) -> models.Page[models.Check]:
    """A page of the checks."""
    with reading.connect() as conn, speaking(reading.language()):
        results = reading.quality(conn, reading.run_of(conn, day))
        items = [_check(result) for result in results[offset:][:limit]]
    return models.Page(total=len(results), limit=limit, offset=offset, items=items)


def _check(result: Result) -> models.Check:
    fields = {name: getattr(result, name) for name in models.Check.model_fields if name != "says"}
    return models.Check(says=words.check(result), **fields)


@router.get("/quality/history", summary="How many checks each gate made, and how many were not met")
def quality_history(limit: Limit = LIMIT, offset: Offset = 0) -> models.Page[models.GateOfDate]:
    """A page of dates (so many, and all their gates), the newest first; dates that were rejected too."""
    with reading.connect() as conn:
        items = reading.quality_history(conn, limit, offset)
        total = reading.judged_dates(conn)
    return models.Page(total=total, limit=limit, offset=offset, items=items)


@router.post("/customer", summary="All that is known of a customer")
def customer(request: models.CustomerAsked, user: GetUserDep) -> models.CustomerFound:
    """By the id the shop has for them; asked in the body, so that no log has the id. Who asked is kept."""
    with speaking(reading.language()):
        customer = look_up(user, request.id, request.date)
    if customer is None:
        raise HTTPException(404, "no customer of this id has a segment on the date")
    return customer


@router.post(
    "/withdraw",
    summary="Take a published date back: readers see the date before it",
    dependencies=[Depends(withdrawing.from_our_pages)],
    responses={
        409: {"model": models.Error, "description": "It is not published, or a run needs it just now"}
    },
)
def withdraw(
    request: models.WithdrawalAsked, user: withdrawing.Deciding, background: BackgroundTasks
) -> models.DateWithdrawn:
    """For whoever may decide about a held night. Who it was and why is kept with the run, and told."""
    done = withdrawing.withdraw(request.date, user.get_name(), request.note.strip())
    background.add_task(withdrawing.tell)
    fields = {name: getattr(done, name) for name in models.DateWithdrawn.model_fields if name != "stale"}
    return models.DateWithdrawn(stale=list(done.stale), **fields)


def _named(profile: Profile) -> dict[str, str]:
    return {"feature": profile.feature.name, "label": profile.label, "unit": profile.feature.unit}


def _card(segment: Segment) -> models.SegmentCard:
    event = segment.event or {}
    return models.SegmentCard(
        **{name: getattr(segment, name) for name in ("segment_id", "name", "description", "value_tier")},
        **{name: getattr(segment, name) for name in ("lifecycle", "customers", "share", "revenue_share")},
        **{name: getattr(segment, name) for name in ("expected", "at_risk")},
        revenue_365d=segment.revenue,
        customers_before=segment.before,
        event=event.get("event"),
        parents=event.get("parents", []),
        rules=[
            models.Rule(rule=rule["rule"], precision=rule["rule_precision"], recall=rule["rule_recall"])
            for rule in segment.rules
        ],
        features=[
            models.Feature(
                **_named(profile),
                median=profile.median,
                p10=profile.p10,
                p90=profile.p90,
                median_all=profile.everybody,
                effect=profile.effect,
            )
            for profile in segment.farthest
        ],
        products=segment.products,
        habits=[row for rows in segment.habits.values() for row in rows],
        playbook=segment.plays,
    )


def refusing(allowed: set[str]) -> Callable[[], None]:
    """A route that refuses every other method; an id in the address of a GET would be in every log."""
    methods = ", ".join(sorted(allowed))

    def refuse() -> None:
        raise HTTPException(405, f"ask by {methods}", {"Allow": methods})

    return refuse
