"""The command `campaign`: campaigns are made, shown, exported and cancelled."""

from collections.abc import Callable
from datetime import date
from typing import Any

from segmentation.applications.campaigns import definition, groups, lists, telling
from segmentation.errors import SettingsError
from segmentation.language import numbers
from segmentation.language.texts import t
from segmentation.settings import Settings
from segmentation.warehouse import db

Say = Callable[[str], None]


def make(
    warehouse: db.Database, settings: Settings, values: dict[str, Any], by: str, say: Say = print
) -> None:
    """Make a campaign of what was given on the command line.

    Raises
    ------
    SettingsError
        With every fault.
    """
    request = definition.read(
        {name: value for name, value in values.items() if value not in ("", None)}, "campaign"
    )
    campaign = groups.make(warehouse, request, by)
    _tell(campaign, settings, say)


def from_files(warehouse: db.Database, settings: Settings, by: str, say: Say = print) -> None:
    """Make the campaigns of `include/config/campaigns` that are new.

    Raises
    ------
    SettingsError
        With every fault of every file.
    """
    for request in definition.files():
        with warehouse.connect(readonly=True) as conn:
            is_new = groups.find(conn, request.campaign_id) is None
        campaign = groups.make(warehouse, request, by)
        if is_new:
            _tell(campaign, settings, say)


def listed(warehouse: db.Database, say: Say = print) -> None:
    """A line a campaign, the newest first."""
    with warehouse.connect(readonly=True) as conn:
        query = "select * from segments.campaigns order by starts_on desc, campaign_id"
        campaigns = [(one, telling.of(conn, one["campaign_id"])["results"]) for one in db.rows(conn, query)]
    if not campaigns:
        say(t("there is no campaign yet"))
    for one, results in campaigns:
        say(f"{one['campaign_id']:<24} {one['starts_on']} – {one['ends_on']}  {_state(one, results)}")


def _state(campaign: dict[str, Any], results: list[dict[str, Any]]) -> str:
    if campaign["cancelled_at"]:
        return t(telling.STATES["cancelled"])
    if not results:
        return t(telling.STATES["planned"])
    whole = results[0]
    if whole["state"] != "ended":
        return t(telling.STATES[whole["state"]])
    return f"{t(telling.CONCLUSIONS[whole['conclusion']])}: {_span(whole)}"


def _span(row: dict[str, Any]) -> str:
    return "{} ({} … {})".format(
        *(numbers.number(row[name], 0) for name in ("total", "total_low", "total_high"))
    )


def show(warehouse: db.Database, settings: Settings, campaign_id: str, say: Say = print) -> None:
    """Everything that is known of a campaign.

    Raises
    ------
    SettingsError
        When there is none of this id.
    """
    with warehouse.connect(readonly=True) as conn:
        campaign = groups.find(conn, campaign_id)
        if campaign is None:
            raise groups.unknown(conn, campaign_id)
        facts = telling.of(conn, campaign_id)
    _tell(campaign, settings, say)
    for group in facts["groups"]:
        for reason in group["spoilt_by"] if group["is_control"] else ():
            say(
                t("They differ more than by chance in this: {reason}.", reason=t(telling.DIFFERENCES[reason]))
            )
    for row in facts["results"]:
        who = t("everybody") if row["segment_id"] is None else row["segment_name"] or str(row["segment_id"])
        what = t("Revenue") if row["metric"] == "revenue" else t("Buyers")
        conclusion = (
            t(telling.CONCLUSIONS[row["conclusion"]])
            if row["state"] in ("ended", "under_way")
            else t(telling.STATES[row["state"]])
        )
        say(f"  {who:<32} {what:<8} {_span(row) if row['total'] is not None else '–':>28}  {conclusion}")


def cancel(warehouse: db.Database, campaign_id: str, by: str, say: Say = print) -> None:
    """Cancel a campaign.

    Raises
    ------
    SettingsError
        When there is none of this id.
    """
    groups.cancel(warehouse, campaign_id, by)
    say(f"campaign {campaign_id} is cancelled; it stays on record, and its results are told no more")


def _tell(campaign: dict[str, Any], settings: Settings, say: Say) -> None:
    say(f"{campaign['campaign_id']}: {campaign['name']}, {campaign['starts_on']} – {campaign['ends_on']}")
    for line in telling.sight(campaign, settings.applications.campaigns.max_detectable_share):
        say(f"  {line}")


def run(options: dict[str, Any], *, export: bool, cancelling: bool, by: str) -> int:
    """Do what was asked by the connections of the deployment; without anything, make those of new files and list.

    Raises
    ------
    SettingsError
        With every fault of what was given.
    """
    from segmentation import settings
    from segmentation.runs import connections
    from segmentation.warehouse import schema

    warehouse, loaded = connections.database("warehouse"), settings.load()
    schema.migrate(warehouse)
    campaign_id = options.get("id", "")
    if options.get("name"):
        make(warehouse, loaded, options, by)
    elif not campaign_id and (export or cancelling):
        raise SettingsError("which campaign? ID=...")
    elif export:
        lists.of_campaign(warehouse, connections.audiences(), loaded, campaign_id)
    elif cancelling:
        cancel(warehouse, campaign_id, by)
    elif campaign_id:
        show(warehouse, loaded, campaign_id)
    else:
        from_files(warehouse, loaded, by)
        listed(warehouse)
    return 0


def parsed(
    campaign_id: str, name: str, segments: str, first: str, last: str, held_out: str, note: str
) -> dict[str, Any]:
    """Words of a command line as the values of a definition.

    Raises
    ------
    SettingsError
        When a segment is no number, a day no date, or the share none.
    """
    try:
        numbers_ = [int(one) for one in segments.replace(",", " ").split()]
        days = {key: date.fromisoformat(day) for key, day in (("from", first), ("to", last)) if day}
        share = float(held_out) if held_out else None
    except ValueError as error:
        raise SettingsError(
            f"campaign: {error} (SEGMENTS=3,7 FROM=2026-03-05 TO=2026-04-04 HELD_OUT=0.2)"
        ) from None
    return {
        "id": campaign_id,
        "name": name,
        "segments": numbers_ or None,
        **days,
        "held_out": share,
        "note": note,
    }
