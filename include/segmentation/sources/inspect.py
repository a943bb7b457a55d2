"""Inspection of a file of transactions, in seconds and without a warehouse.

The night loads the very lines that are counted here.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from segmentation.errors import SourceError, UserError
from segmentation.language.texts import fact, say, speaking, t
from segmentation.settings import Settings
from segmentation.settings import load as load_settings
from segmentation.sources.masking import pattern_of
from segmentation.sources.transactions import counts, reading
from segmentation.sources.transactions.counts import Counts
from segmentation.sources.transactions.lines import Reading

SAMPLES = 3
REFUSED = 2  # the exit code


@dataclass(frozen=True)
class Inspection:
    """The reading of a file, or the sentence that refuses it.

    `customers` are without guests; `orders`, `lines` and `revenue` of what counts; `first` and `last` are
    instants,
    or days of a file without times, in the shop's zone; `columns` has masked sample values by role.
    """

    file: str
    customers: int | None = None
    orders: int | None = None
    lines: int | None = None
    revenue: float | None = None
    currency: str | None = None
    first: str | None = None
    last: str | None = None
    guests: int | None = None
    quarantined: int | None = None
    said: list[str] = field(default_factory=list)
    refused: str | None = None
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)

    def to_json(self) -> str:
        """One JSON object with the figures and the sentences."""
        return json.dumps(asdict(self), ensure_ascii=False)

    def to_text(self) -> str:
        """The same for a person, a line each."""
        if self.refused:
            return t("{file} would be refused: {why}", file=self.file, why=self.refused)
        guests = t(" and {orders:,} orders of guests", orders=self.guests) if self.guests else ""
        aside = t(", {lines:,} quarantined", lines=self.quarantined) if self.quarantined else ""
        figures = {
            t("from"): t("{first} to {last}", first=self.first, last=self.last),
            t("customers"): f"{self.customers:,}{guests}",
            t("orders"): f"{self.orders:,}",
            t("lines"): f"{self.lines:,}{aside}",
            t("revenue"): self.money,
        }
        columns = [
            f"  {role:<12} {facts['column']:<24} {'  '.join(facts['samples'])}"
            for role, facts in self.columns.items()
        ]
        notes = [f"  {line}" for line in self.said]
        rows = [f"  {label:<12} {figure}" for label, figure in figures.items()]
        return "\n".join([self.file, *rows, t("columns"), *columns, t("found out"), *notes])

    @property
    def money(self) -> str:
        """The revenue with as many figures below the unit as its currency has."""
        from segmentation.sources.transactions import money

        places = money.digits(self.currency) if self.currency else 2
        return f"{self.revenue:,.{places}f} {self.currency or ''}".strip()


def inspect(path: Path, settings: Settings, progress: Callable[[str], None] = lambda _: None) -> Inspection:
    """Read a file and tell what came of it; a file that would be refused has its sentence in `refused`."""
    try:
        reading_ = reading.read(path, settings, progress)
        figures = counts.of(reading_)
    except UserError as error:
        return Inspection(path.name, refused=_sentence(error))
    return of(reading_, figures)


def _sentence(error: UserError) -> str:
    """The words of a refusal in one line, without values of the shop."""
    reason = error.unsaid if isinstance(error, SourceError) else error.args[0]
    return " ".join(say(reason).splitlines())


def of(reading_: Reading, figures: Counts) -> Inspection:
    """The inspection of a file that was read."""
    return Inspection(
        file=reading_.file,
        customers=figures.customers,
        orders=figures.orders,
        lines=figures.lines,
        revenue=figures.revenue,
        currency=reading_.currency,
        first=figures.first,
        last=figures.last,
        guests=figures.guests,
        quarantined=figures.quarantined,
        said=[say(note) for note in (*reading_.notes, *figures.warnings)],
        columns=_columns(reading_),
    )


def _columns(reading_: Reading) -> dict[str, dict[str, Any]]:
    return {
        role: {"column": reading_.content.name_of(role), "samples": _samples(reading_, role)}
        for role in reading_.content.places
    }


def _samples(reading_: Reading, role: str) -> list[str]:
    """Three values as they are written, without what they say: x is a letter, 9 a figure."""
    texts = [text for text in reading_.content.columns[role].values[: SAMPLES + 1].to_pylist() if text]
    return [pattern_of(text) for text in texts[:SAMPLES]]


def refuse_source(source: str) -> None:
    """Refuse a source that no file is of.

    Raises
    ------
    SourceError
    """
    from segmentation.sources import files

    if source and files.spec_of(source) is None:
        raise SourceError(
            fact(
                "inspect reads files, and source '{source}' is none that is read from one (SOURCE=transactions is, and "
                "it is the default)",
                source=source,
            )
        )


def command(data: str, as_json: bool, source: str = "") -> int:
    """Print the inspection of a file; the exit code is not 0 when it would be refused.

    Raises
    ------
    UserError
        When the settings cannot be used, or no file is named, or there is none; with `as_json` that is a
        refusal.
    """
    try:
        refuse_source(source)
        settings = load_settings()
        path = Path(data or settings.shop.data or "").expanduser()
        if not path.is_file():
            raise SourceError(
                fact("{file}: no such file (DATA= names the file)", file=data or fact("no file"))
            )
        with speaking(settings.language):
            return _print(inspect(path, settings), as_json)
    except UserError as error:
        if not as_json:
            raise
        return _print(Inspection(Path(data).name, refused=_sentence(error)), as_json)


def _print(inspection: Inspection, as_json: bool) -> int:
    """Show an inspection; returns the exit code."""
    print(inspection.to_json() if as_json else inspection.to_text())
    return REFUSED if inspection.refused else 0
