"""Products for each customer and segment: `segments.customer_recommendations`, `segment_recommendations`."""

from typing import Any

from segmentation.applications import Application, Progress
from segmentation.runs.night import Night
from segmentation.runs.register import Run
from segmentation.warehouse import db


def _prepare(night: Night, progress: Progress) -> dict[str, Any]:
    from segmentation.applications.recommendations import prepare

    return prepare.prepare(night, progress)


def _publish(conn: db.Connection, night: Night) -> None:
    from segmentation.applications.recommendations import publish

    publish.publish(conn, night)


def _section(conn: db.Connection, run: Run) -> dict[str, Any] | None:
    from segmentation.applications.recommendations import section

    return section.section(conn, run)


APPLICATION = Application(
    name="recommendations",
    heading="What to recommend",
    tables=(
        "customer_recommendation_lists",
        "recommended_products",
        "segment_recommendations",
        "recommendation_backtests",
    ),
    prepare=_prepare,
    publish=_publish,
    section=_section,
)
