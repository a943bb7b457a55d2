"""The expectations of the gate on recommendations."""

from segmentation.quality.builder import Builder, Suite
from segmentation.quality.metrics import Metrics
from segmentation.settings import Settings

ADVICE = "The recommendations are at fault: see the log of the task recommendations."


def customer_recommendations(metrics: Metrics, settings: Settings) -> Suite:
    """Expect nothing that cannot be bought, no product twice, and something for nearly everybody."""
    suite = Builder("recommendations", metrics, settings)
    customers = metrics.count("row_count")
    for name in ("unsold_recommended", "recommended_twice"):
        suite.figure(name, "critical", most=0, advice=ADVICE, failing=metrics.count(name))
    suite.figure(
        "without_recommendation_share",
        "warning",
        most=0.05,
        unit="share",
        advice="Few products can be recommended: see applications.recommendations.min_buyers, and the catalogue.",
        failing=metrics.count("without_recommendation"),
        unless=None if customers else "no rows",
    )
    return suite.suite
