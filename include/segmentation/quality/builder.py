"""The expectations: a Great Expectations suite a table, tested on the figures that SQL measured.

Importing this module imports Great Expectations (seconds), so it is imported where a gate is judged. Each
expectation is one on a figure of a one-row batch: the query that made the figures read the table once, for
all of them.
"""

import html

import great_expectations as gx
from great_expectations.expectations import ExpectColumnMaxToBeBetween

from segmentation.quality import chance
from segmentation.quality.figures import Unit, range_in_words
from segmentation.quality.metrics import Metrics
from segmentation.quality.results import Severity
from segmentation.settings import Settings

MILDER: dict[Severity, Severity] = {"critical": "warning", "warning": "info", "info": "info"}
SOURCE = "Look at the shop's table, and at the SELECT that reads it (include/sql/extract)."


class Builder:
    """Collects the expectations of a table."""

    def __init__(self, gate: str, metrics: Metrics, settings: Settings, rows: str = "row_count") -> None:
        self.metrics = metrics
        self.limits = settings.quality
        self.rows = metrics.count(rows)
        self.name = f"{gate}.{metrics.table}"
        self.expectations: list[ExpectColumnMaxToBeBetween] = []
        self.not_judged: list[dict] = []

    @property
    def suite(self) -> gx.ExpectationSuite:
        """What was collected; `meta["not_judged"]` has what there was nothing to judge for."""
        return gx.ExpectationSuite(self.name, self.expectations, meta={"not_judged": self.not_judged})

    def figure(
        self,
        name: str,
        says: str,
        severity: Severity,
        *,
        metric: str | None = None,
        least: float | None = None,
        most: float | None = None,
        unit: Unit = "count",
        advice: str = "",
        failing: int | None = None,
        unless: str | None = None,
    ) -> None:
        """Expect a figure within bounds.

        `unless` tells why there is nothing to judge (a first night, say), and is recorded in place of the
        figure. A figure that is missing for no such reason fails.
        """
        about = {
            "name": name,
            "says": says,
            "expected": range_in_words(least, most, unit),
            "unit": unit,
            "advice": advice,
            "failing_rows": failing,
        }
        if unless:
            self.not_judged.append({**about, "severity": severity, "why": unless})
            return
        self.expectations.append(
            ExpectColumnMaxToBeBetween(
                column=metric or name,
                min_value=least,
                max_value=most,
                severity=severity,
                meta=about,
                description=html.escape(f"{severity}: {says} (expected: {about['expected']})"),
            )
        )

    def is_told(self, share: float | None, least: float | None = None, most: float | None = None) -> bool:
        """Whether a share says what it says: of enough rows, or beyond its bound by no chance."""
        if self.rows >= self.limits.min_rows or share is None:
            return self.rows >= self.limits.min_rows
        beyond = [bound for bound in (least,) if bound is not None and share < bound]
        beyond += [bound for bound in (most,) if bound is not None and share > bound]
        return any(not chance.explains(share, self.rows, bound) for bound in beyond)

    def share(
        self,
        name: str,
        says: str,
        severity: Severity,
        *,
        least: float | None = None,
        most: float | None = None,
        advice: str = SOURCE,
        failing: int | None = None,
        optional: bool = False,
    ) -> None:
        """Expect a share of rows; a milder fault when the rows are few, since 1 of 3 is no trend.

        What no chance explains is a fault of any size. `optional`: the shop may have no values at all in that
        column.
        """
        unless = None
        if not self.rows:
            unless = "no rows"
        elif optional and self.metrics[name] is None:
            unless = "no values"
        self.figure(
            name,
            says,
            severity if self.is_told(self.metrics[name], least, most) else MILDER[severity],
            least=least,
            most=most,
            unit="share",
            advice=advice,
            failing=failing,
            unless=unless,
        )
