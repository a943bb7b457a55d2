"""What a gate found: one result an expectation, kept before anything is raised."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Literal

from segmentation.runs import links
from segmentation.runs.night import Night
from segmentation.warehouse import db

Severity = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
TOLD = 5  # failures in full in a message; the rest is a number


@dataclass(frozen=True)
class Result:
    """One expectation, judged. Numbers of rows and shares only: never a value of a customer."""

    gate: str
    table_name: str
    expectation: str
    severity: Severity
    success: bool
    observed: str
    expected: str
    says: str
    advice: str = ""
    failing_rows: int | None = None
    link: str | None = None

    def sentence(self) -> str:
        """The result in words."""
        failing = f" ({self.failing_rows:,} rows)" if self.failing_rows else ""
        return f"{self.table_name}: {self.says} is {self.observed}{failing}, expected is {self.expected}"


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
        found = Counter(result.severity for result in self.results if not result.success)
        return {severity: found[severity] for severity in SEVERITIES}

    def failures(self, severity: Severity) -> list[Result]:
        """The results of a severity that were not met."""
        return [r for r in self.results if r.severity == severity and not r.success]

    @property
    def warnings(self) -> list[str]:
        """What a person should know, a sentence each; drift of many features is one of them."""
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


def summarised(results: list[Result]) -> list[str]:
    """A sentence a result, but one for all features that drifted."""
    drifted = [r for r in results if r.expectation.startswith("drift_")]
    lines = [r.sentence() for r in results if r not in drifted]
    if len(drifted) > 1:
        worst = sorted(drifted, key=lambda r: float(r.observed), reverse=True)[:3]
        named = ", ".join(f"{r.expectation.removeprefix('drift_')} {r.observed}" for r in worst)
        lines.append(
            f"{drifted[0].table_name}: {len(drifted)} features are distributed otherwise than on the parent "
            f"date (population stability index, most: {named}; expected is {drifted[0].expected})"
        )
    else:
        lines += [r.sentence() for r in drifted]
    return lines


def store(conn: db.Connection, night: Night, results: tuple[Result, ...]) -> None:
    """Write the results to `segments.quality_results`."""
    for result in results:
        values = asdict(result)
        db.run_file(conn, "quality/results.sql", {**night.params, **values})


def message(night: Night, found: GateResult, published: str | None) -> str:
    """Why the run stops, in plain words: what was found, what readers see meanwhile, what to do.

    `published` is the newest date that readers have, or None.
    """
    failures = found.failures("critical")
    sentences = summarised(failures)
    told = "; ".join(sentences[:TOLD])
    more = f"; and {len(sentences) - TOLD} more" if len(sentences) > TOLD else ""
    advice = " ".join(dict.fromkeys(r.advice for r in failures if r.advice))
    readers = f"the segments of {published} stay published" if published else "nothing was published before"
    return (
        f"the {found.gate} gate stopped the run of {night.as_of_date}: {told}{more}. Meanwhile {readers}. "
        f"{advice} Then run the date again. Details: {links.place(found.link)}."
    )
