"""The gate on forecasts: nobody is missing, and the sum is not absurd."""

from segmentation.quality import metrics as measuring
from segmentation.quality.judge import judge
from segmentation.quality.results import GateResult
from segmentation.runs.night import Night

GATE, TABLE = "forecasts", "customer_forecasts"


def check(night: Night, staged: str) -> GateResult:
    """Judge the forecasts staged in `staged` (schema.table).

    Raises
    ------
    GateFailed
        When a customer has no forecast. The results are stored, and nothing is published.
    """
    from segmentation.applications.forecasts import expectations

    with night.warehouse.connect() as conn:
        measuring.measure(conn, night, GATE, TABLE, TABLE, {}, staged=staged)
        measured = measuring.read(conn, night, GATE, TABLE)
    return judge(
        night, GATE, GATE, [measured], {TABLE: expectations.customer_forecasts(measured, night.settings)}
    )
