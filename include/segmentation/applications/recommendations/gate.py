"""The gate on recommendations that are staged."""

from segmentation.quality import metrics as measuring
from segmentation.quality.judge import judge
from segmentation.quality.results import GateResult
from segmentation.runs.night import Night

NAME = "recommendations"
TABLE = "customer_recommendations"


def check(night: Night, **staged: str) -> GateResult:
    """Judge the staged `lists`, `customers` and `products` (schema.table).

    Raises
    ------
    GateFailed
        When what cannot be bought is recommended, or a product twice. Nothing of the date is published.
    """
    from segmentation.applications.recommendations import expectations

    with night.warehouse.connect() as conn:
        measuring.measure(conn, night, NAME, TABLE, NAME, {}, **staged)
        measured = measuring.read(conn, night, NAME, TABLE)
    suite = expectations.customer_recommendations(measured, night.settings)
    return judge(night, NAME, NAME, [measured], {TABLE: suite})
