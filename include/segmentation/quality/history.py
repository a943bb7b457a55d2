"""An expectation over time: since when it fails, and what was found before."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from segmentation.quality.figures import Unit
from segmentation.warehouse import db

DATES = 30


@dataclass(frozen=True)
class Verdict:
    """The verdict on one as-of date."""

    as_of_date: date
    success: bool
    observed: str | None
    value: float | None = None
    unit: Unit | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """The verdicts on the last dates, the oldest first."""

    verdicts: tuple[Verdict, ...]

    @property
    def failing_since(self) -> date | None:
        """The first of the dates in a row, up to the last, that were not met; None when the last was."""
        since = None
        for verdict in reversed(self.verdicts):
            if verdict.success:
                break
            since = verdict.as_of_date
        return since

    @property
    def is_older(self) -> bool:
        """True where it may have failed for longer still: it was met on no date of these."""
        return len(self.verdicts) == DATES and not any(verdict.success for verdict in self.verdicts)


def history(
    conn: db.Connection, gate: str, table: str, expectation: str, as_of_date: date | None = None
) -> History:
    """The verdicts of an expectation on the last 30 dates up to `as_of_date` (None: the newest)."""
    rows = db.rows(
        conn,
        db.statement("quality/history.sql"),
        {
            "gate": gate,
            "table_name": table,
            "expectation": expectation,
            "as_of_date": as_of_date,
            "dates": DATES,
        },
    )
    return History(tuple(Verdict(**row) for row in reversed(rows)))
