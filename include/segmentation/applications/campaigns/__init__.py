"""Campaigns with a control group: who is left alone, how small an effect can be seen, and what came of it."""

from datetime import date, timedelta
from typing import Any

from segmentation import applications
from segmentation.applications import Application, Progress
from segmentation.runs.night import Night
from segmentation.runs.register import Run
from segmentation.settings import Settings
from segmentation.warehouse import db, partitions

NAME = "campaigns"
RESULTS, GROUPS, TRIALS = "campaign_results", "campaign_groups", "campaign_backtests"
TABLES = (RESULTS, GROUPS, TRIALS)


def prepare(night: Night, progress: Progress) -> dict[str, Any]:
    """Make the campaigns whose files are new, and stage what those under way and those that ended came to."""
    from segmentation.applications.campaigns import backtests, results

    new_campaigns = _make_from_files(night, progress)
    with night.warehouse.connect() as conn:
        result_rows, groups = results.as_of(conn, night)
        trial_rows = backtests.run(conn, night)
        for table, rows in ((RESULTS, result_rows), (GROUPS, groups), (TRIALS, trial_rows)):
            if rows:
                applications.stage(conn, night, table, results.frame(rows))
    concluded = sum(
        row["conclusion"] in ("more", "less") and row["segment_id"] is None for row in result_rows
    )
    return {"made": new_campaigns, "campaigns": len(groups) // 2, "effects": concluded}


def _make_from_files(night: Night, progress: Progress) -> int:
    """A fault in a file is said, and no night fails for it."""
    from segmentation.applications.campaigns import definition, groups
    from segmentation.errors import SettingsError

    new_campaigns = 0
    try:
        definitions = definition.files()
    except SettingsError as error:
        progress(f"campaigns: no file is used: {error}")
        return 0
    for one in definitions:
        try:
            with night.warehouse.connect(readonly=True) as conn:
                is_new = groups.find(conn, one.campaign_id) is None
            campaign = groups.make(night.warehouse, one, by="file")
        except SettingsError as error:
            progress(f"campaigns: {error}")
            continue
        if is_new:
            new_campaigns += 1
            sizes = f"{campaign['treated']:,} customers, {campaign['control']:,} left alone"
            progress(f"campaigns: {one.campaign_id} is made: {sizes}")
    return new_campaigns


def publish(conn: db.Connection, night: Night) -> None:
    """Write what was staged."""
    for table in TABLES:
        staged = applications.staged(night, table)
        if db.scalar(conn, "select to_regclass(%(name)s)", {"name": staged}):
            columns = ", ".join(partitions.kinds(conn, staged))
            db.execute(conn, f"insert into segments.{table} ({columns}) select {columns} from {staged}")


def section(conn: db.Connection, run: Run) -> dict[str, Any] | None:
    """The campaigns that the date tells of, each with its results, and how good the method is on this shop."""
    from segmentation.applications.campaigns import telling

    return telling.facts(conn, run)


def customer(conn: db.Connection, run: Run, customer_id: str) -> dict[str, Any] | None:
    """The campaigns that a customer takes part in, or is left alone by."""
    params = {**run.params, "customer_id": customer_id}
    campaigns = db.rows(conn, db.statement("applications/campaigns/customer.sql"), params)
    return {"campaigns": campaigns} if campaigns else None


def expire(conn: db.Connection, settings: Settings, newest: date) -> int:
    """Forget who was in which group of campaigns that ended long ago; returns how many members."""
    from segmentation.applications.campaigns import groups

    return groups.prune(conn, newest - timedelta(days=settings.applications.campaigns.keep_days))


APPLICATION = Application(
    name=NAME,
    heading="Campaigns",
    tables=TABLES,
    prepare=prepare,
    publish=publish,
    section=section,
    expire=expire,
    customer=customer,
)
