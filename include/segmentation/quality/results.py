"""Results of a gate: one an expectation, kept before anything is raised."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from segmentation.language.texts import ENGLISH, speaking
from segmentation.quality import wording
from segmentation.quality.figures import Unit
from segmentation.quality.history import History
from segmentation.runs import links
from segmentation.runs.night import Night
from segmentation.warehouse import db

Severity = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
MOST_IN_FULL = 5  # failures in full in a message; the rest is a number
DRIFT = "drift"


@dataclass(frozen=True)
class Result:
    """One expectation, judged: facts, and these in English. Never a value of a customer.

    Attributes
    ----------
    family : str
        The kind of check, where there is one for each feature or row rule: drift, known, outside, rule; of
        several that look at one fault, what they have in common; else the name of the expectation.
    subject : str
        The feature, the row rule or the table that it is about.
    value, least, most : float, optional
        The figure and its bounds, in `unit`; no bound where None.
    wording : str
        Key of its text in `language/checks`.
    details : dict
        What the text says beside: `not_judged` (why there is no figure), `rules` (rows by row rule), `since`
        (the parent date) and so on.
    observed, expected : str
        The figure and its bounds in English, for readers of the table; nothing reads facts out of them.
    """

    gate: str
    table_name: str
    expectation: str
    severity: Severity
    success: bool
    family: str | None = None
    subject: str | None = None
    value: float | None = None
    unit: Unit | None = None
    least: float | None = None
    most: float | None = None
    wording: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    observed: str | None = None
    expected: str | None = None
    advice: str = ""
    failing_rows: int | None = None
    link: str | None = None
    history: History | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Result":
        """A row of `segments.quality_results`."""
        return cls(**{name: row[name] for name in _COLUMNS if name in row})

    def in_english(self) -> "Result":
        """The result with its figures in English, as the table keeps them."""
        with speaking(ENGLISH):
            return replace(self, observed=wording.observed(self), expected=wording.expected(self))

    def sentence(self) -> str:
        """The result in English."""
        with speaking(ENGLISH):
            failing = f" ({self.failing_rows:,} rows)" if self.failing_rows else ""
            finding = f"{self.table_name}: {wording.says(self)} is {wording.observed(self)}{failing}"
            return f"{finding}, expected is {wording.expected(self)}"


_COLUMNS = [column.name for column in fields(Result) if column.name not in ("advice", "history")]


@dataclass(frozen=True)
class GateResult:
    """All results of a gate, and where they are shown (relative to the run's store)."""

    gate: str
    results: tuple[Result, ...]
    link: str

    @property
    def checked(self) -> int:
        """Expectations judged or found to have nothing to judge."""
        return len(self.results)

    @property
    def failed(self) -> dict[str, int]:
        """Expectations not met, by severity."""
        failures = Counter(result.severity for result in self.results if not result.success)
        return {severity: failures[severity] for severity in SEVERITIES}

    def failures(self, severity: Severity) -> list[Result]:
        """The results of a severity that were not met."""
        return [r for r in self.results if r.severity == severity and not r.success]

    @property
    def warnings(self) -> list[str]:
        """Warnings for a person, a sentence each; drift of many features is one of them."""
        return summarised(self.failures("warning"))

    def summary(self) -> dict[str, Any]:
        """Builtins only, for XCom and the summary."""
        return {
            "gate": self.gate,
            "checked": self.checked,
            "failed": self.failed,
            "warnings": self.warnings,
            "link": self.link,
        }


def worst_first(drifted: list[Result]) -> list[Result]:
    """Results by their figure, the largest first; one without a figure last."""
    return sorted(drifted, key=lambda r: (-(r.value or 0), r.subject or ""))


def summarised(results: list[Result]) -> list[str]:
    """A sentence a result in English, but one for all features that drifted."""
    drifted = [r for r in results if r.family == DRIFT]
    lines = [r.sentence() for r in results if r not in drifted]
    if len(drifted) < 2:
        return lines + [r.sentence() for r in drifted]
    with speaking(ENGLISH):
        named = ", ".join(f"{r.subject} {wording.observed(r)}" for r in worst_first(drifted)[:3])
        expected = wording.expected(drifted[0])
    drift = (
        f"{drifted[0].table_name}: {len(drifted)} features are distributed otherwise than on the parent "
        f"date (population stability index, most: {named}; expected is {expected})"
    )
    return [*lines, drift]


def store(conn: db.Connection, night: Night, results: tuple[Result, ...]) -> None:
    """Write the results to `segments.quality_results`, their figures also in English."""
    for result in results:
        values = asdict(result.in_english())
        values["details"] = json.dumps(values["details"])
        db.run_file(conn, "quality/results.sql", {**night.params, **values})


def read(conn: db.Connection, run_id: str) -> list[Result]:
    """Results of the gates of a run, failures first, the gravest of them first."""
    return [Result.of(row) for row in db.rows(conn, db.statement("quality/stored.sql"), {"run_id": run_id})]


def message(night: Night, outcome: GateResult, published: str | None) -> str:
    """Reason that the run stops, in plain words: what was found, what readers see meanwhile, what to do.

    `published` is the newest date that readers have, or None.
    """
    failures = outcome.failures("critical")
    sentences = summarised(failures)
    reasons = "; ".join(sentences[:MOST_IN_FULL])
    more = f"; and {len(sentences) - MOST_IN_FULL} more" if len(sentences) > MOST_IN_FULL else ""
    advice = " ".join(dict.fromkeys(r.advice for r in failures if r.advice))
    readers = f"the segments of {published} stay published" if published else "nothing was published before"
    return (
        f"the {outcome.gate} gate stopped the run of {night.as_of_date}: {reasons}{more}. Meanwhile {readers}. "
        f"{advice} Then run the date again. Details: {links.place(outcome.link)}."
    )
