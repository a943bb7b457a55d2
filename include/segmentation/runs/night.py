"""One run for one as-of date: what every stage needs to know, and nothing that must not be written down."""

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from segmentation.dates import midnight
from segmentation.settings import Settings
from segmentation.warehouse.db import Database


@dataclass(frozen=True)
class Night:
    """A run of an as-of date. `store` is any pathlib-like folder (a local one, or on object storage)."""

    run_id: str
    as_of_date: date
    settings: Settings
    shop: Database
    warehouse: Database
    store: Path = field(repr=False)

    @property
    def end(self) -> datetime:
        """The first instant that this run must not see."""
        return midnight(self.as_of_date, self.settings.tz)

    @property
    def folder(self) -> Path:
        """Folder of this run's matrix, models and report."""
        return self.store / f"{self.as_of_date:%Y-%m-%d}" / self.run_id

    @property
    def params(self) -> dict[str, Any]:
        """Parameters that the SQL files bind."""
        return {
            "run_id": self.run_id,
            "as_of_date": self.as_of_date,
            "timezone": self.settings.shop.timezone,
        }
