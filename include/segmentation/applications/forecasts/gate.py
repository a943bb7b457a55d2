"""The gate on forecasts: nobody is missing, and the sum is not absurd."""

from typing import Any

from segmentation.quality import metrics as measuring
from segmentation.quality.judge import judge
from segmentation.quality.results import GateResult
from segmentation.runs.night import Night
from segmentation.warehouse import db

GATE, TABLE = "forecasts", "customer_forecasts"


def eligible(night: Night) -> dict[str, Any]:
    """Figures of the customers of whom there must be a forecast; they need none to be staged."""
    with night.warehouse.connect(readonly=True) as conn:
        return db.row(conn, db.statement("quality/eligible_customers.sql"), night.params) or {}


def check(night: Night, staged: str, eligible: dict[str, Any]) -> GateResult:
    """Judge the forecasts staged in `staged` (schema.table).

    Raises
    ------
    GateFailed
        When a customer has no forecast. The results are stored, and nothing is published.
    """
    from segmentation.applications.forecasts import expectations

    with night.warehouse.connect() as conn:
        measuring.measure(conn, night, GATE, TABLE, TABLE, eligible, staged=staged)
        measured = measuring.read(conn, night, GATE, TABLE)
    return judge(
        night, GATE, GATE, [measured], {TABLE: expectations.customer_forecasts(measured, night.settings)}
    )
