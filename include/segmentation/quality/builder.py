"""The expectations: a Great Expectations suite a table, tested on the figures that SQL measured.

Importing this module imports Great Expectations (seconds), so it is imported where a gate is judged. Each
expectation is one on a figure of a one-row batch: the query that made the figures read the table once, for
all of them. What an expectation is called stands in `language/checks`, by its key `wording`.
"""

import html
from dataclasses import dataclass
from typing import Any

import great_expectations as gx
from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.expectations import ExpectColumnMaxToBeBetween
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity

from segmentation.quality import chance, wording
from segmentation.quality.figures import Unit
from segmentation.quality.metrics import Metrics
from segmentation.quality.results import Result, Severity
from segmentation.settings import Settings

MILDER: dict[Severity, Severity] = {"critical": "warning", "warning": "info", "info": "info"}
SOURCE = "Look at the shop's table, and at the SELECT that reads it (include/sql/extract)."


class ExpectFigureToBeBetween(ExpectColumnMaxToBeBetween):
    """A figure within bounds, which stay as they were given.

    GX asks each expectation fifty times for its configuration, and makes it anew each time: half of a gate.
    """

    _configured: ExpectationConfiguration | None = PrivateAttr(None)

    @property
    def configuration(self) -> ExpectationConfiguration:
        """The configuration, made once."""
        if self._configured is None:
            self._configured = super().configuration
        return self._configured


@dataclass(frozen=True)
class Suite:
    """The expectations of a table: what GX tests, what each result will keep, by name, and what has none.

    `not_judged` are the results of expectations for which there was nothing to judge.
    """

    table: str
    tested: gx.ExpectationSuite
    expected: dict[str, Result]
    not_judged: tuple[Result, ...]


class Builder:
    """Collects the expectations of a table."""

    def __init__(self, gate: str, metrics: Metrics, settings: Settings, rows: str = "row_count") -> None:
        self.gate = gate
        self.metrics = metrics
        self.limits = settings.quality
        self.rows = metrics.count(rows)
        self.expectations: list[ExpectFigureToBeBetween] = []
        self.expected: dict[str, Result] = {}
        self.not_judged: list[Result] = []

    @property
    def suite(self) -> Suite:
        """The expectations collected."""
        table = self.metrics.table
        tested = gx.ExpectationSuite(f"{self.gate}.{table}", self.expectations)
        return Suite(table, tested, self.expected, tuple(self.not_judged))

    def figure(
        self,
        name: str,
        severity: Severity,
        *,
        metric: str | None = None,
        least: float | None = None,
        most: float | None = None,
        unit: Unit = "count",
        advice: str = "",
        failing: int | None = None,
        unless: str | None = None,
        family: str | None = None,
        subject: str | None = None,
        worded: str | None = None,
        **details: Any,
    ) -> None:
        """Expect a figure within bounds.

        `unless` tells why there is nothing to judge (a first night, say), and is recorded in place of the
        figure. A figure that is missing for no such reason fails. `family`, `subject`, `worded` (the key of
        its text: by default the name) and `details` are what its result keeps.
        """
        expected = Result(
            gate=self.gate,
            table_name=self.metrics.table,
            expectation=name,
            severity=severity,
            success=True,
            family=family or name,
            subject=subject or self.metrics.table,
            unit=unit,
            least=least,
            most=most,
            wording=worded or family or name,
            details={**details, "not_judged": unless} if unless else details,
            advice=advice,
            failing_rows=failing,
        ).in_english()
        if unless:
            self.not_judged.append(expected)
            return
        self.expected[name] = expected
        self.expectations.append(
            ExpectFigureToBeBetween(
                column=metric or name,
                min_value=least,
                max_value=most,
                severity=FailureSeverity(severity),
                meta={"name": name},
                description=html.escape(
                    f"{severity}: {wording.says(expected)} (expected: {expected.expected})"
                ),
            )
        )

    def is_told(self, share: float | None, least: float | None = None, most: float | None = None) -> bool:
        """True where a share can be trusted: of enough rows, or beyond its bound by no chance."""
        if self.rows >= self.limits.min_rows or share is None:
            return self.rows >= self.limits.min_rows
        beyond = [bound for bound in (least,) if bound is not None and share < bound]
        beyond += [bound for bound in (most,) if bound is not None and share > bound]
        return any(not chance.explains(share, self.rows, bound) for bound in beyond)

    def share(
        self,
        name: str,
        severity: Severity,
        *,
        least: float | None = None,
        most: float | None = None,
        advice: str = SOURCE,
        failing: int | None = None,
        optional: bool = False,
        **about: Any,
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
            severity if self.is_told(self.metrics[name], least, most) else MILDER[severity],
            least=least,
            most=most,
            unit="share",
            advice=advice,
            failing=failing,
            unless=unless,
            **about,
        )
