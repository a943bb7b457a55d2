"""The expectations of the gate on forecasts."""

from segmentation.quality.builder import Builder, Suite
from segmentation.quality.metrics import Metrics
from segmentation.settings import Settings

AT_FAULT = (
    "The forecasts are at fault: see the log of the task forecasts, and turn it off by applications.off."
)
FACTOR = 5.0  # of the spend of the last 365 days, that the next ones may be forecast at


def customer_forecasts(metrics: Metrics, settings: Settings) -> Suite:
    """Expect a forecast of each eligible customer, and a sum that is not absurd."""
    suite = Builder("forecasts", metrics, settings)
    for name in ("forecasts_missing", "forecasts_of_nobody"):
        suite.figure(name, "critical", most=0, advice=AT_FAULT, failing=metrics.count(name))
    can_compare = metrics.values.get("year_factor") is not None
    suite.figure(
        "year_factor",
        "warning",
        least=1 / FACTOR,
        most=FACTOR,
        unit="index",
        advice="Compare expected_spend_365d with spend_365d by segment before it is used.",
        unless=None if can_compare else "nothing was spent in the last 365 days",
    )
    return suite.suite
