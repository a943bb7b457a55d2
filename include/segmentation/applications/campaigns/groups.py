"""Making a campaign: its groups are drawn, and how small an effect it can see is said, before anything is sent."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from segmentation.applications import saved_audiences
from segmentation.applications.campaigns import effect
from segmentation.applications.campaigns.definition import Definition
from segmentation.applications.saved_audiences import Filter
from segmentation.errors import SettingsError
from segmentation.runs import register
from segmentation.runs.register import Run
from segmentation.warehouse import db, locks

KNOWN_DAYS = 90  # whose spend a covariate is
FORECASTS, EXPECTED = "customer_forecasts", "expected_spend"
FEATURES, SPENT = "features.customer_features", "spend_90d"


@dataclass(frozen=True)
class Covariate:
    """A covariate, known of customers before a campaign: its name, and the relation and column that have it."""

    name: str
    relation: str
    column: str


@dataclass(frozen=True)
class Sight:
    """The smallest effect that a campaign can see; money is a customer, in currency units, over its days.

    `expected_*` is what comes without it, as the same segments did in as many days before, or as is forecast.
    """

    expected_revenue: float
    detectable_revenue: float
    expected_buyers: float
    detectable_buyers: float
    variance_left: float

    @property
    def detectable_share(self) -> float | None:
        """The detectable effect as a share of what is expected; None where nothing is."""
        return self.detectable_revenue / self.expected_revenue if self.expected_revenue > 0 else None


def covariate(conn: db.Connection, day: date) -> Covariate:
    """The forecast of a date where there is one, else what was spent in the 90 days before it."""
    query = (
        "select exists (select from information_schema.columns where table_schema = 'segments' "
        "and table_name = %(table)s and column_name = %(column)s)"
    )
    if db.scalar(conn, query, {"table": FORECASTS, "column": EXPECTED}):
        there = f"select exists (select from segments.{FORECASTS} where as_of_date = %(day)s)"
        if db.scalar(conn, there, {"day": day}):
            return Covariate("expected_spend", f"segments.{FORECASTS}", EXPECTED)
    return Covariate("spend_90d", FEATURES, SPENT)


def make(warehouse: db.Database, definition: Definition, by: str) -> dict[str, Any]:
    """Draw the groups of a campaign from the newest published date and keep them; returns its row.

    Asked for again as it is, it is returned as it was made.

    Raises
    ------
    SettingsError
        When nothing is published, a segment is not there, its first day is before the published date, nobody
        would be left in a group, or a campaign of its name is there that is another one.
    """
    with warehouse.connect() as conn:
        locks.hold(conn, locks.PUBLICATION)
        if there := find(conn, definition.campaign_id):
            return _same(there, definition)
        run = _newest(conn)
        meant = _meant(conn, definition)
        _refuse(conn, definition, meant, run)
        predictor = covariate(conn, run.as_of_date)
        conditions, bounds = meant.as_sql()
        params = {
            "campaign_id": definition.campaign_id,
            **bounds,
            "segment_ids": list(meant.segment_ids) or _all_segments(conn, run),
            "audience_id": definition.audience or None,
            "conditions": json.dumps([one.model_dump() for one in meant.conditions]),
            **definition.model_dump(include={"name", "starts_on", "ends_on", "held_out"}),
            "note": definition.note or None,
            **{"as_of_date": run.as_of_date, "run_id": run.run_id, "by": by, "covariate": predictor.name},
        }
        db.run_file(conn, "applications/campaigns/new_campaign.sql", params)
        identifiers = {"known": predictor.relation, "column": predictor.column, "conditions": conditions}
        db.run_file(conn, "applications/campaigns/campaign_members.sql", params, **identifiers)
        members = Filter(segment_ids=params["segment_ids"], conditions=meant.conditions)
        _count(conn, definition, members, run.as_of_date)
        return db.one(conn, "select * from segments.campaigns where campaign_id = %(campaign_id)s", params)


def find(conn: db.Connection, campaign_id: str) -> dict[str, Any] | None:
    """A campaign by its id, or None."""
    return db.row(conn, "select * from segments.campaigns where campaign_id = %(id)s", {"id": campaign_id})


def _meant(conn: db.Connection, definition: Definition) -> Filter:
    if definition.audience:
        return Filter.of(saved_audiences.needed(conn, definition.audience))
    return Filter(segment_ids=definition.segments)


def _all_segments(conn: db.Connection, run: Run) -> list[int]:
    query = "select segment_id from segments.segment_versions where as_of_date = %(as_of_date)s order by 1"
    return [row["segment_id"] for row in db.rows(conn, query, run.params)]


def _same(there: dict[str, Any], definition: Definition) -> dict[str, Any]:
    before = (
        there["name"],
        there["audience_id"] or tuple(there["segment_ids"]),
        there["starts_on"],
        there["ends_on"],
        there["held_out"],
    )
    if before == (
        definition.name,
        definition.audience or definition.segments,
        definition.starts_on,
        definition.ends_on,
        definition.held_out,
    ):
        return there
    raise SettingsError(
        f"campaign {definition.campaign_id} was made on {there['made_at']:%Y-%m-%d} with other segments, days or share "
        "held out. Its groups are drawn: it is never changed. Give the new one another name or id"
    )


def _newest(conn: db.Connection) -> Run:
    day = register.newest(conn)
    run = register.published(conn, day) if day else None
    if run is None:
        raise SettingsError("there is nobody to make a campaign for: nothing was published yet")
    return run


def _refuse(conn: db.Connection, definition: Definition, meant: Filter, run: Run) -> None:
    if definition.starts_on < run.as_of_date:
        raise SettingsError(
            f"campaign {definition.campaign_id}: its first day {definition.starts_on} is before {run.as_of_date}, "
            "the date whose segments are taken: who is in them would depend on what it brought"
        )
    try:
        saved_audiences.refuse(conn, run, meant)
    except SettingsError as error:
        raise SettingsError(f"campaign {definition.campaign_id}: {error}") from None


def _count(conn: db.Connection, definition: Definition, meant: Filter, day: date) -> None:
    """Put sizes and detectable effect into the row of a campaign whose members are drawn."""
    query = (
        "select count(*) filter (where not is_control) as treated, count(*) filter (where is_control) as control "
        "from segments.campaign_members where campaign_id = %(campaign_id)s"
    )
    sizes = db.one(conn, query, {"campaign_id": definition.campaign_id})
    if not (sizes["treated"] and sizes["control"]):
        raise SettingsError(
            f"campaign {definition.campaign_id}: its segments are too small to hold {definition.held_out:.0%} out: "
            f"{sizes['treated']} customers would take part, and {sizes['control']} be left alone"
        )
    detectable = sight(conn, definition, meant, day, sizes["treated"], sizes["control"])
    params = {
        "campaign_id": definition.campaign_id,
        **sizes,
        **(vars(detectable) if detectable else dict.fromkeys(Sight.__annotations__)),
    }
    params["detectable_share"] = detectable.detectable_share if detectable else None
    db.run_file(conn, "applications/campaigns/sight.sql", params)


def sight(
    conn: db.Connection,
    definition: Definition,
    meant: Filter,
    day: date,
    treated: int,
    control: int,
) -> Sight | None:
    """The smallest effect that groups of these sizes can see.

    By what the same segments did in as many days before `day`, where it was known then who was in them (who is in
    them now is so because of what came since); else by what is forecast of the members. None where neither is there.
    """
    return _looked_back(conn, meant, day, definition.days, treated, control) or _foreseen(
        conn, definition, day, treated, control
    )


def _looked_back(
    conn: db.Connection, meant: Filter, day: date, days: int, treated: int, control: int
) -> Sight | None:
    then = day - timedelta(days=days)
    query = (
        "select max(as_of_date) from segments.membership_dates where is_published and as_of_date <= %(then)s"
    )
    looked_at = db.scalar(conn, query, {"then": then})
    if looked_at is None:
        return None
    conditions, bounds = meant.as_sql()
    params = {
        **bounds,
        **{
            "then": then,
            "as_of_date": day,
            "looked_at": looked_at,
            "held_from": then - timedelta(days=KNOWN_DAYS),
        },
    }
    columns = ["covariate", "revenue", "bought"]
    numbers = db.read_numbers(
        conn, db.statement("applications/campaigns/past.sql", conditions=conditions), columns, params
    )
    if len(numbers) < 2 * effect.FEWEST or numbers[:, 1].std() == 0:
        return None
    covariates, revenue, bought = numbers[:, :1], numbers[:, 1], numbers[:, 2]
    variance, left = effect.residual_variance(revenue, covariates)
    buying, _ = effect.residual_variance(bought, covariates)
    return Sight(
        expected_revenue=float(revenue.mean()),
        detectable_revenue=effect.detectable(variance, treated, control),
        expected_buyers=float(bought.mean()),
        detectable_buyers=effect.detectable(buying, treated, control),
        variance_left=left,
    )


def _foreseen(
    conn: db.Connection, definition: Definition, day: date, treated: int, control: int
) -> Sight | None:
    params = {"campaign_id": definition.campaign_id, "as_of_date": day, "days": definition.days}
    forecast = db.one(conn, db.statement("applications/campaigns/foreseen.sql"), params)
    if forecast["customers"] < 2 * effect.FEWEST or not forecast["revenue"]:
        return None
    return Sight(
        expected_revenue=forecast["revenue"],
        detectable_revenue=effect.detectable(forecast["variance"], treated, control),
        expected_buyers=forecast["buyers"],
        detectable_buyers=effect.detectable(forecast["buying"], treated, control),
        variance_left=forecast["variance"] / (forecast["variance"] + forecast["between_customers"]),
    )


def cancel(warehouse: db.Database, campaign_id: str, by: str) -> dict[str, Any]:
    """Cancel a campaign: it stays on record, and its results are told no more.

    Raises
    ------
    SettingsError
        When there is none of this id.
    """
    query = (
        "update segments.campaigns set cancelled_at = coalesce(cancelled_at, clock_timestamp()), "
        "cancelled_by = coalesce(cancelled_by, %(by)s) where campaign_id = %(id)s returning *"
    )
    with warehouse.connect() as conn:
        campaign = db.row(conn, query, {"id": campaign_id, "by": by})
        if campaign is None:
            raise unknown(conn, campaign_id)
        return campaign


def prune(conn: db.Connection, before: date) -> int:
    """Forget who was in which group of campaigns that ended before a date; returns the members."""
    query = (
        "delete from segments.campaign_members as m using segments.campaigns as c "
        "where m.campaign_id = c.campaign_id and c.ends_on < %(before)s"
    )
    return db.execute(conn, query, {"before": before})


def unknown(conn: db.Connection, campaign_id: str) -> SettingsError:
    """The error for an id that no campaign has."""
    ids = [
        row["campaign_id"] for row in db.rows(conn, "select campaign_id from segments.campaigns order by 1")
    ]
    return SettingsError(
        f"there is no campaign {campaign_id} (there are: {', '.join(ids)})"
        if ids
        else "there is no campaign yet"
    )
