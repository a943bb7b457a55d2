"""The task and the publication of prices."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from segmentation import applications
from segmentation.runs.night import Night
from segmentation.warehouse import db

if TYPE_CHECKING:
    import pandas as pd

    from segmentation.applications.prices.purchases import Grouping

FOLDER = "applications/prices"
GROUPS, PLACEBOS, SEGMENTS = "group_price_response", "price_placebos", "segment_price_response"
COUNTS = ("products", "cuts", "weeks", "buyers")
ESTIMATES = (
    *("outcome", "reason", "ratio", "ratio_low", "ratio_high"),
    *("placebo_ratio", "placebo_ratio_low", "placebo_ratio_high"),
    *COUNTS,
)


def prepare(night: Night, progress: Callable[[str], None]) -> dict[str, Any]:
    """Find the price cuts, and stage who took part in them: new and existing, value tiers, segments.

    Segments are those of an earlier published date, so that none is decided by the purchases that are counted.
    Returns the cut weeks and products found, and the groups of which something can be told.

    Raises
    ------
    GateFailed
        See `gate.check`.
    """
    from segmentation.applications.prices import gate, purchases

    window = purchases.Window.before(night.as_of_date, night.settings.applications.prices.weeks)
    with night.warehouse.connect() as conn:
        cut_weeks = purchases.find_cuts(conn, night, window)
        products = int(cut_weeks["product_id"].nunique())
        progress(f"prices: {len(cut_weeks):,} weeks with a price cut, of {products:,} products")
        members = purchases.members_on(conn, night)
        groupings = [] if cut_weeks.empty else purchases.groupings(conn, night, window, cut_weeks, members)
    trials = [_trial(night, one) for one in groupings]
    depth = round(float(cut_weeks["depth"].median()), 4) if len(cut_weeks) else None
    rows = _rows(trials).assign(median_depth=depth)
    of_segments = rows["grouping_name"] == "segment"
    segments = rows[of_segments].assign(
        segment_id=rows["level"][of_segments].astype("Int64"), members_on=members
    )
    staged = {
        GROUPS: rows[~of_segments],
        SEGMENTS: segments.drop(columns=["grouping_name", "level"]),
        PLACEBOS: _placebos(night, trials),
    }
    with night.warehouse.connect() as conn:
        places = {table: applications.stage(conn, night, table, frame) for table, frame in staged.items()}
    gate.check(night, groups=places[GROUPS], responses=places[SEGMENTS], placebos=places[PLACEBOS])
    conclusive = int((rows["outcome"] == "can be told").sum())
    progress(f"prices: of {conclusive} of {len(rows)} groups something can be told")
    return {"cut_weeks": len(cut_weeks), "products": products, "groups": len(rows), "told": conclusive}


def _trial(night: Night, grouping: "Grouping") -> tuple[str, list[dict[str, Any]], float]:
    """Name of the grouping, rows of its levels, and the share of shuffles in which something is told."""
    from segmentation.applications.prices import verdicts

    settings = night.settings.applications.prices
    trial = verdicts.Trial(settings, night.settings.privacy.min_customers)
    alarms = trial.false_alarms(grouping.purchases, grouping.levels, night.settings.model.seed)
    return grouping.name, list(trial.verdicts(grouping.purchases, grouping.levels, alarms)), alarms


def _rows(trials: list[tuple[str, list[dict[str, Any]], float]]) -> "pd.DataFrame":
    import pandas as pd

    rows = [{"grouping_name": name, **row} for name, levels, _ in trials for row in levels]
    frame = pd.DataFrame(rows, columns=["grouping_name", "level", *ESTIMATES])
    return frame.astype(dict.fromkeys(COUNTS, "Int64"))


def _placebos(night: Night, trials: list[tuple[str, list[dict[str, Any]], float]]) -> "pd.DataFrame":
    import pandas as pd

    shuffles = night.settings.applications.prices.shuffles
    rows = [(name, shuffles, alarms) for name, _, alarms in trials]
    return pd.DataFrame(rows, columns=["grouping_name", "shuffles", "false_alarms"])


def publish(conn: db.Connection, night: Night) -> None:
    """Write the date's rows: one of every segment, with the reason where nothing can be told."""
    groups, placebos, segments = (applications.staged(night, t) for t in (GROUPS, PLACEBOS, SEGMENTS))
    cuts_found = bool(db.scalar(conn, f"select count(*) from {placebos}"))
    params = {**night.params, "cuts_found": cuts_found}
    db.run_file(conn, f"{FOLDER}/{GROUPS}.sql", params, groups=groups)
    db.run_file(conn, f"{FOLDER}/{PLACEBOS}.sql", params, placebos=placebos)
    db.run_file(conn, f"{FOLDER}/{SEGMENTS}.sql", params, responses=segments)
