"""Products for each customer and segment: `segments.customer_recommendations`, `segment_recommendations`."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from segmentation.applications import Application, Progress
from segmentation.runs.night import Night
from segmentation.runs.register import Run
from segmentation.settings import Settings
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


def _keep_dates(settings: Settings) -> Mapping[str, int]:
    """Recommendations to customers are made for the next morning, a row a customer and date."""
    return {"customer_recommendation_lists": settings.applications.recommendations.keep_dates}


def _expire(conn: db.Connection, settings: Settings, newest: date) -> int:
    """Forget the products of the lists that are gone; what was recommended to segments stays."""
    params = {"newest": newest, "kept": settings.applications.recommendations.keep_dates}
    return db.run_file(conn, "applications/recommendations/expire.sql", params)


def _customer(conn: db.Connection, run: Run, customer_id: str) -> dict[str, Any] | None:
    params = {**run.params, "customer_id": customer_id}
    products = db.rows(conn, db.statement("applications/recommendations/customer.sql"), params)
    return {"products": products} if products else None


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
    expire=_expire,
    keep_dates=_keep_dates,
    customer=_customer,
)
