"""Campaigns in the JSON API (this module knows Airflow): what they brought, and making and cancelling them.

To look is for whoever may see the runs of the DAG, as everywhere here; to make or cancel one for whoever may
start a run of it. Who did it is kept with the campaign and in Airflow's audit log.
"""

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any

import psycopg2
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.api_fastapi.logging.decorators import action_logging
from fastapi import APIRouter, Depends, HTTPException, Path
from pydantic import BaseModel, Field

from segmentation import settings
from segmentation.applications.campaigns import definition, groups, telling
from segmentation.applications.campaigns.definition import Definition
from segmentation.applications.saved_audiences import Condition
from segmentation.errors import NoAnswer, SettingsError
from segmentation.language.texts import speaking
from segmentation.runs import connections, dag_ids
from segmentation.ui import models, reading
from segmentation.ui.api import LIMIT, PROBLEMS, Limit, Offset
from segmentation.ui.withdrawing import from_our_pages
from segmentation.warehouse import db

WAIT_SECONDS = 10  # for a publication that is under way: somebody waits for the answer
CampaignId = Annotated[str, Path(pattern=f"^{definition.ID}$")]


class Result(BaseModel):
    """Effect of a campaign on one metric, of a segment or (segment_id null) of everybody."""

    segment_id: int | None
    segment_name: str | None
    metric: str
    state: str
    conclusion: str
    treated: int
    control: int
    effect: float | None = Field(description="a customer who took part; null before the end")
    effect_low: float | None
    effect_high: float | None
    total: float | None
    total_low: float | None
    total_high: float | None
    p_value: float | None
    is_approximate: bool | None


class Group(BaseModel):
    """State of a group of a campaign."""

    is_control: bool
    customers: int = Field(description="when the campaign was made")
    erased: int
    bought_before: int
    moved: int | None
    spoilt_by: list[str]


class Campaign(BaseModel):
    """A campaign, with what it brought as far as that is told."""

    campaign_id: str
    name: str
    segment_ids: list[int]
    audience_id: str | None = Field(description="the saved audience it was made for; null: whole segments")
    conditions: list[Condition] = Field(description="of that audience, as they were then")
    starts_on: date
    ends_on: date
    held_out: float
    as_of_date: date = Field(description="the published date whose segments were taken")
    made_by: str
    made_at: datetime
    note: str | None
    cancelled_at: datetime | None
    treated: int
    control: int
    covariate: str
    detectable_revenue: float | None = Field(description="smallest effect a customer that can be seen")
    detectable_share: float | None
    detectable_buyers: float | None
    sight: list[str] = Field(description="how small an effect can be seen, in words")
    groups: list[Group]
    results: list[Result]


MAY_CHANGE = Depends(requires_access_dag("POST", DagAccessEntity.RUN, dag_ids.NIGHT))
router = APIRouter(prefix="/api/v1/campaigns", tags=["campaigns"], responses=PROBLEMS)


@router.get("", summary="Campaigns, the newest first")
def campaigns(limit: Limit = LIMIT, offset: Offset = 0) -> models.Page[Campaign]:
    """A page of them, with what each brought."""
    with reading.connect() as conn, speaking(reading.language()):
        rows = db.rows(
            conn,
            "select * from segments.campaigns order by starts_on desc, campaign_id "
            "limit %(limit)s offset %(offset)s",
            {"limit": limit, "offset": offset},
        )
        total = db.scalar(conn, "select count(*) from segments.campaigns")
        items = [_campaign(conn, row) for row in rows]
    return models.Page(total=total, limit=limit, offset=offset, items=items)


@router.get("/{campaign_id}", summary="A campaign, and what it brought")
def campaign(campaign_id: CampaignId) -> Campaign:
    """Nothing of its effect before it has ended."""
    with reading.connect() as conn, speaking(reading.language()):
        row = groups.find(conn, campaign_id)
        if row is None:
            raise HTTPException(404, "there is no campaign of this id")
        return _campaign(conn, row)


@router.post(
    "",
    summary="Make a campaign: its groups are drawn",
    status_code=201,
    dependencies=[
        Depends(from_our_pages),
        MAY_CHANGE,
        Depends(action_logging(event="segmentation_campaign_made")),
    ],
)
def make(request: Definition, user: GetUserDep) -> Campaign:
    """Asked for again as it is, it is returned as it was made; it is never changed."""
    try:
        definition.read(request.model_dump(by_alias=True), "campaign")
        row = groups.make(_warehouse(), request, user.get_name())
    except SettingsError as error:
        raise HTTPException(409, str(error)) from None
    except (NoAnswer, psycopg2.Error) as error:
        raise reading.UnavailableError.of(error) from None
    return campaign(row["campaign_id"])


@router.post(
    "/{campaign_id}/cancel",
    summary="Cancel a campaign",
    dependencies=[
        Depends(from_our_pages),
        MAY_CHANGE,
        Depends(action_logging(event="segmentation_campaign_cancelled")),
    ],
)
def cancel(campaign_id: CampaignId, user: GetUserDep) -> Campaign:
    """It stays on record, and its results are told no more."""
    try:
        groups.cancel(_warehouse(), campaign_id, user.get_name())
    except SettingsError as error:
        raise HTTPException(404, str(error)) from None
    except (NoAnswer, psycopg2.Error) as error:
        raise reading.UnavailableError.of(error) from None
    return campaign(campaign_id)


def _warehouse() -> db.Database:
    """The warehouse as the nights have it: the UI's own role can write nothing."""
    try:
        database = connections.database("warehouse")
    except SettingsError as error:
        raise reading.UnavailableError(str(error)) from None
    quick: dict[str, Any] = {"recover_seconds": 0, "wait_seconds": WAIT_SECONDS, "lock_seconds": WAIT_SECONDS}
    return replace(database, limits=database.limits.model_copy(update=quick))


def _campaign(conn: db.Connection, row: dict[str, Any]) -> Campaign:
    facts = telling.of(conn, row["campaign_id"])
    most = settings.load().applications.campaigns.max_detectable_share
    return Campaign(
        **{name: row[name] for name in Campaign.model_fields if name in row},
        sight=telling.sight(row, most, reading.currency(conn, row["as_of_date"])),
        groups=[Group(**{name: group[name] for name in Group.model_fields}) for group in facts["groups"]],
        results=[Result(**{name: one[name] for name in Result.model_fields}) for one in facts["results"]],
    )
