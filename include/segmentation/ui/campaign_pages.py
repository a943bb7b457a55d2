"""A campaign in a browser (this module knows Airflow): made from a segment or audience, its groups as files, results.

The pages do what the API does (`segmentation.ui.campaigns`), and whose customers are exported is kept.
"""

from datetime import date
from typing import Annotated

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Form, HTTPException, Query
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from segmentation import settings
from segmentation.applications.campaigns import definition, groups, telling
from segmentation.errors import SettingsError
from segmentation.language.texts import speaking, t
from segmentation.ui import access, campaigns, csv_file, reading, views
from segmentation.ui.withdrawing import Decides, Deciding, from_our_pages
from segmentation.warehouse import db

ID = f"^{definition.ID}$"
WORDS = {
    "STATES": telling.STATES,
    "CONCLUSIONS": telling.CONCLUSIONS,
    "DIFFERENCES": telling.DIFFERENCES,
}
router = APIRouter(include_in_schema=False)


@router.post("/campaign", dependencies=[Depends(from_our_pages), campaigns.MAY_CHANGE])
def make(
    user: GetUserDep,
    name: Annotated[str, Form(max_length=120)],
    first: Annotated[date, Form(alias="from")],
    last: Annotated[date, Form(alias="to")],
    held_out: Annotated[float, Form(ge=2, le=90)] = 20,
    segment_id: Annotated[int | None, Form(alias="segment", ge=1)] = None,
    audience: Annotated[str, Form(pattern=rf"^({definition.ID})?$")] = "",
) -> RedirectResponse:
    """Draw the groups of a campaign; `held_out` in per cent."""
    values = {"name": " ".join(name.split()), "from": first, "to": last, "held_out": held_out / 100}
    values |= {"audience": audience} if audience else {"segments": [segment_id] if segment_id else []}
    try:
        request = definition.read(values, t("campaign"))
    except SettingsError as error:
        raise HTTPException(409, str(error)) from None
    campaign = campaigns.make(request, user)
    return RedirectResponse(f"campaign?id={campaign.campaign_id}", 303, headers=views.HEADERS)


@router.get("/campaign")
def shown(decides: Decides, campaign_id: Annotated[str, Query(alias="id", pattern=ID)]) -> HTMLResponse:
    """The smallest effect it can see, what it brought so far, and its groups as files."""
    with reading.connect() as conn, speaking(reading.language()):
        row = groups.find(conn, campaign_id)
        if row is None:
            raise HTTPException(404, t("there is no campaign of this id"))
        run = reading.run_of(conn, None)
        facts = telling.of(conn, campaign_id)
        most = settings.load().applications.campaigns.max_detectable_share
        return views.page(
            "applications",
            conn,
            run,
            template="campaign",
            campaign=row,
            sight=telling.sight(row, most, reading.currency(conn, row["as_of_date"])),
            shown={"campaigns": [{**row, **facts}] if facts["results"] else [], "trial": None, **WORDS},
            decides=decides,
        )


@router.post("/campaign/customers.csv", dependencies=[Depends(from_our_pages)])
def export(
    user: Deciding,
    campaign_id: Annotated[str, Form(alias="id", pattern=ID)],
    group: Annotated[str, Form(pattern="^(treated|control)$")],
) -> StreamingResponse:
    """The customers who take part, or who are left alone, as CSV; no addresses: `make campaign` has these."""
    with reading.connect() as conn, speaking(reading.language()):
        row = groups.find(conn, campaign_id)
        if row is None:
            raise HTTPException(404, t("there is no campaign of this id"))
        params = {"campaign_id": campaign_id, "is_control": group == "control"}
        file, count = csv_file.of(conn, db.statement("ui/campaign_customers.sql"), params)
    access.keep(user, "export", row["as_of_date"], None, count, row["audience_id"])
    return csv_file.response(file, f"campaign_{campaign_id}_{group}.csv")
