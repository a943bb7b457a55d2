"""Windows of days that a run extracts."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from segmentation.dates import midnight
from segmentation.runs.night import Night

BEGINNING = date(1900, 1, 1)


@dataclass(frozen=True)
class Window:
    """The days from `first` to before `end`; `first` is None for all history."""

    first: date | None
    end: date

    def bounds(self, night: Night) -> dict[str, Any]:
        """The instants that a SELECT is bound to."""
        tz = night.settings.tz
        start: datetime = midnight(self.first or BEGINNING, tz)
        return {"start": start, "end": midnight(self.end, tz), "timezone": night.settings.shop.timezone}


@dataclass(frozen=True)
class Span:
    """The dates of a backfill. Its first run reads the days of all of them; the others take these over.

    Only what was read after `since` counts; without it, whatever is there.
    """

    first: date
    last: date
    since: datetime | None = None
