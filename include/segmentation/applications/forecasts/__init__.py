"""Forecasts: who buys within the horizon, who may be lost, what each customer and segment will bring."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from segmentation.applications import Application
from segmentation.runs.night import Night
from segmentation.runs.register import Run
from segmentation.settings import Settings

if TYPE_CHECKING:
    from segmentation.warehouse import db


def prepare(night: Night, progress: Callable[[str], None]) -> dict[str, Any]:
    """Make the forecasts of the night's customers and look back on earlier ones; all of it is staged."""
    from segmentation.applications.forecasts import staging

    return staging.prepare(night, progress)


def count(conn: "db.Connection", night: Night, assignments: str) -> None:
    """Sum what was staged over the clusters."""
    from segmentation.applications.forecasts import publication

    publication.count(conn, night, assignments)


def publish(conn: "db.Connection", night: Night) -> None:
    """Write what was staged, and the sums of each segment."""
    from segmentation.applications.forecasts import publication

    publication.publish(conn, night)


def section(conn: "db.Connection", run: Run) -> dict[str, Any] | None:
    """Facts of the section: the model, the segments, how good forecasts have been."""
    from segmentation.applications.forecasts import shown

    return shown.section(conn, run)


def _keep_days(settings: Settings) -> Mapping[str, int]:
    """Forecasts of customers until they have been judged, with two weeks in which a night may be late."""
    return {"customer_forecasts": settings.model.horizon_days + 14}


def customer(conn: "db.Connection", run: Run, customer_id: str) -> dict[str, Any] | None:
    """The forecast of a customer."""
    from segmentation.applications.forecasts import shown

    return shown.customer(conn, run, customer_id)


APPLICATION = Application(
    name="forecasts",
    heading="Forecasts",
    tables=(
        "customer_forecasts",
        "segment_forecasts",
        "forecast_models",
        "forecast_backtests",
        "return_curve",
    ),
    prepare=prepare,
    count=count,
    publish=publish,
    section=section,
    keep_days=_keep_days,
    customer=customer,
)
