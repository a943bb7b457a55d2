"""The expectations of the gate on segments."""

import great_expectations as gx

from segmentation.quality.builder import Builder
from segmentation.quality.metrics import Metrics
from segmentation.settings import Settings

ASSIGNMENT = "The assignment is at fault: see the log of the task assign."


def customer_segments(metrics: Metrics, settings: Settings, parent: str | None) -> gx.ExpectationSuite:
    """Expect one segment for each eligible customer, and segments of sensible sizes."""
    suite = Builder("segments", metrics, settings)
    for name, says in (
        ("customers_missing", "number of eligible customers without a segment"),
        ("rows_of_nobody", "number of rows of customers who are not eligible"),
        ("rows_duplicated", "number of rows that give a customer a second segment"),
        ("rows_without_cluster", "number of rows without a segment"),
        ("rows_with_odd_confidence", "number of rows whose confidence is not 0 to 1"),
        ("rows_without_outlier", "number of rows that do not say whether they are outliers"),
    ):
        suite.figure(name, says, "critical", most=0, advice=ASSIGNMENT, failing=metrics.count(name))
    suite.figure(
        "cents_off",
        "difference between the spend of all segments and that of all customers",
        "critical",
        most=0,
        unit="money",
        advice=ASSIGNMENT,
    )
    _sizes(suite)
    suite.figure(
        "changed_share",
        f"share of customers in another segment than on {parent}",
        "warning",
        most=suite.limits.warn_changed_share,
        unit="share",
        failing=metrics.count("customers_changed"),
        unless=None if metrics.values.get("changed_share") is not None else "no earlier date to compare with",
    )
    return suite.suite


def _sizes(suite: Builder) -> None:
    clusters, limits = suite.metrics.count("clusters"), suite.limits
    unless = "no structure: one segment" if clusters < 2 else None
    advice = "The model no longer fits the shop: set force_refit."
    suite.figure(
        "smallest_share",
        "share of the smallest segment",
        "critical",
        least=limits.min_segment_share,
        unit="share",
        advice=advice,
        failing=suite.metrics.count("smallest_customers"),
        unless=unless,
    )
    suite.figure(
        "largest_share",
        "share of the largest segment",
        "critical",
        most=limits.max_segment_share,
        unit="share",
        advice=advice,
        failing=suite.metrics.count("largest_customers"),
        unless=unless,
    )
