"""Facts of the section in report and page: use of discounts, and who takes part in price cuts."""

from typing import Any

from segmentation.applications.prices.wording import LEVELS, REASONS
from segmentation.language.texts import t
from segmentation.runs.register import Run
from segmentation.warehouse import db


def section(conn: db.Connection, run: Run) -> dict[str, Any] | None:
    """Rows of the date's groups and segments, in order; None where the date has none."""
    params = {"as_of_date": run.as_of_date}
    segments = db.rows(
        conn,
        "select r.*, v.name from segments.segment_price_response as r "
        "inner join segments.segment_versions as v using (as_of_date, segment_id) "
        "where as_of_date = %(as_of_date)s order by v.revenue_365d desc, segment_id",
        params,
    )
    if not segments:
        return None
    groups = db.rows(
        conn,
        "select * from segments.group_price_response where as_of_date = %(as_of_date)s "
        "order by grouping_name, array_position(%(levels)s, level), level",
        {**params, "levels": list(LEVELS)},
    )
    segments = [_worded(row) for row in segments]
    groups = [_worded({**row, "name": t(LEVELS[row["level"]])}) for row in groups]
    return {
        "segments": segments,
        "looked_at": [row for row in (*groups, *segments) if row["weeks"]],
        "untold": _untold([row for row in groups if not row["weeks"]])
        | _untold([row for row in segments if not row["weeks"]], len(segments)),
        "placebos": db.rows(
            conn,
            "select shuffles, false_alarms from segments.price_placebos "
            "where as_of_date = %(as_of_date)s order by grouping_name",
            params,
        ),
        "has_discounts": any(row["discounted_line_share"] or row["discount_share"] for row in segments),
    }


def _untold(rows: list[dict[str, Any]], everybody: int = 0) -> dict[str, str]:
    """Groups of whom nothing can be told, by the reason: once for all that have no week to look at."""
    names: dict[str, list[str]] = {}
    for row in rows:
        names.setdefault(row["why"], []).append(row["name"])
    return {
        why: t("any segment") if len(listed) == everybody else t(", ").join(listed)
        for why, listed in names.items()
    }


def _worded(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "why": t(REASONS[row["reason"]]) if row["reason"] else ""}
