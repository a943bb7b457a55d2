"""The expectations of the gate on segments."""

from segmentation.quality.builder import Builder, Suite
from segmentation.quality.metrics import Metrics
from segmentation.settings import Settings

ASSIGNMENT = "The assignment is at fault: see the log of the task choose."


def customer_segments(metrics: Metrics, settings: Settings, parent: str | None) -> Suite:
    """Expect one segment for each eligible customer, and segments of sensible sizes."""
    suite = Builder("segments", metrics, settings)
    for name in (
        "customers_missing",
        "rows_of_nobody",
        "rows_duplicated",
        "rows_without_cluster",
        "rows_with_odd_confidence",
        "rows_without_outlier",
    ):
        suite.figure(name, "critical", most=0, advice=ASSIGNMENT, failing=metrics.count(name))
    suite.figure(
        "cents_off",
        "critical",
        most=0,
        unit="money",
        advice=ASSIGNMENT,
        worded="cents_off_segments",
    )
    _sizes(suite)
    suite.figure(
        "changed_share",
        "warning",
        most=suite.limits.warn_changed_share,
        unit="share",
        failing=metrics.count("customers_changed"),
        unless=None if metrics.values.get("changed_share") is not None else "no earlier date to compare with",
        worded="changed_share" if parent else "changed_share_since_parent",
        since=parent,
    )
    _rules(suite)
    _validity_kept(suite)
    return suite.suite


def _rules(suite: Builder) -> None:
    """Each segment can be told by rules, where there are any."""
    if "untold_segments" in suite.metrics.values:
        suite.figure(
            "untold_segments",
            "warning",
            most=0,
            advice="Their rules describe less than 60 % of them, or others as well: read the profile instead.",
        )


def _validity_kept(suite: Builder) -> None:
    """Expect that what an earlier date foresaw has come, but for what chance explains."""
    if "foresight_kept" not in suite.metrics.values:
        return
    suite.figure(
        "foresight_kept",
        "warning" if suite.metrics.count("foresight_missed") else "info",
        least=suite.limits.warn_validity_kept,
        unit="share",
        advice="The shop behaves otherwise than it did: set force_refit, and trust the forecasts less.",
    )


def _sizes(suite: Builder) -> None:
    clusters, limits = suite.metrics.count("clusters"), suite.limits
    unless = "no structure: one segment" if clusters < 2 else None
    advice = "The model no longer fits the shop: set force_refit."
    suite.figure(
        "smallest_share",
        "critical",
        least=limits.min_segment_share,
        unit="share",
        advice=advice,
        failing=suite.metrics.count("smallest_customers"),
        unless=unless,
    )
    suite.figure(
        "largest_share",
        "critical",
        most=limits.max_segment_share,
        unit="share",
        advice=advice,
        failing=suite.metrics.count("largest_customers"),
        unless=unless,
    )
