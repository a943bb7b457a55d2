"""Words about campaigns: the facts of the section, and the lines of the command."""

from typing import Any

from segmentation.language import numbers
from segmentation.language.texts import t
from segmentation.runs.register import Run
from segmentation.warehouse import db

STATES = {
    "planned": "not begun",
    "under_way": "under way",
    "too_few": "too few customers",
    "spoilt": "spoilt",
    "ended": "ended",
    "cancelled": "cancelled",
}
CONCLUSIONS = {
    "more": "brought more",
    "less": "brought less",
    "cannot_be_told": "cannot be told from chance",
    "not_yet": "not before it has ended",
}
DIFFERENCES = {
    "erased": "customers erased since",
    "bought_before": "customers who bought before its first day",
    "moved": "customers who changed segment before it began",
    "sizes": "their sizes",
    "covariate": "what was spent or expected before",
}


def facts(conn: db.Connection, run: Run) -> dict[str, Any] | None:
    """Campaigns of a date with their results and groups, and the newest trial; None where there is nothing."""
    campaigns = db.rows(
        conn,
        "select distinct c.campaign_id, c.name, c.starts_on, c.ends_on, c.held_out, c.detectable_share "
        "from segments.campaign_groups as g inner join segments.campaigns as c on g.campaign_id = c.campaign_id "
        "where g.as_of_date = %(as_of_date)s order by c.starts_on desc, c.campaign_id",
        run.params,
    )
    query = "select * from segments.campaign_backtests where as_of_date = %(as_of_date)s"
    trial = db.row(conn, query, run.params)
    if not campaigns and trial is None:
        return None
    words = {"STATES": STATES, "CONCLUSIONS": CONCLUSIONS, "DIFFERENCES": DIFFERENCES}
    return {
        "campaigns": [{**one, **of(conn, one["campaign_id"], run)} for one in campaigns],
        "trial": trial,
        **words,
    }


def of(conn: db.Connection, campaign_id: str, run: Run | None = None) -> dict[str, Any]:
    """Results and groups of a campaign: as of a run's date, or the newest."""
    params = {"campaign_id": campaign_id, "until": run.as_of_date if run else None}
    groups = db.rows(
        conn,
        "select distinct on (is_control) * from segments.campaign_groups where campaign_id = %(campaign_id)s "
        "and as_of_date <= coalesce(%(until)s::date, 'infinity') order by is_control, as_of_date desc",
        params,
    )
    results = db.rows(conn, db.statement("applications/campaigns/campaign_results.sql"), params)
    return {"groups": groups, "results": results}


def sight(campaign: dict[str, Any], most: float, currency: str | None = None) -> list[str]:
    """Lines on how small an effect a campaign can see, before anything is sent; money in the shop's currency."""
    sizes = t(
        "{treated} customers take part, {control} are left alone ({share} held out).",
        treated=numbers.number(campaign["treated"], 0),
        control=numbers.number(campaign["control"], 0),
        share=numbers.percent(campaign["held_out"]),
    )
    if campaign["detectable_revenue"] is None:
        return [
            sizes,
            t("How small an effect it can see cannot be said: these segments have too short a past."),
        ]
    share = campaign["detectable_share"]
    lines = [
        sizes,
        t(
            "It can see an effect of {effect} a customer, where {expected} is expected without it{share}.",
            effect=numbers.money(campaign["detectable_revenue"], currency, 2),
            expected=numbers.money(campaign["expected_revenue"], currency, 2),
            share="" if share is None else f" ({numbers.percent(share)})",
        ),
        t(
            "Of buyers, {effect} more in a hundred, where {expected} buy without it.",
            effect=numbers.number(100 * campaign["detectable_buyers"], 1),
            expected=numbers.percent(campaign["expected_buyers"]),
        ),
    ]
    if share is None or share > most:
        lines.append(
            t("That is a large effect: take more customers, hold more of them out, or let it go on longer.")
        )
    return lines
