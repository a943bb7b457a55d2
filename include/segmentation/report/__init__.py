"""The report of a published date: one HTML file that opens offline and loads nothing.

It is made of sections, one template each under `templates/sections`; a new section is a file and an entry
in SECTIONS. What they show is read by `data`, drawn by `charts`, and worded by `words`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from segmentation.night import Night
from segmentation.report import data, verdict, words

TEMPLATES = Path(__file__).parent / "templates"
FILE = "report.html"

# (name of the template and anchor, heading)
SECTIONS = (
    ("segments", "The segments"),
    ("movement", "Who moved"),
    ("profiles", "What sets them apart"),
    ("map", "Map of the customers"),
    ("choice", "Why this model"),
    ("quality", "Quality checks"),
    ("quarantine", "Rows read, kept and set aside"),
    ("provenance", "Where this comes from"),
)


def build(night: Night, progress: Callable[[str], None] = print) -> Path:
    """Write the report of a published run to `night.folder`, and to `night.store` when its date is newest.

    Returns the path in `night.folder`. Building it again gives the same file.

    Raises
    ------
    UserError
        When the run has no published segments.
    """
    facts = data.read(night)
    drawn = _charts(facts)
    file = night.folder / FILE
    page = render(facts, drawn, root="../../")
    _write(file, page)
    if facts.is_newest:
        _write(night.store / FILE, render(facts, drawn, root=""))
    progress(f"report: {len(page.encode()) / 1024:,.0f} kB, {file}")
    return file


def render(facts: data.Facts, drawn: dict[str, Markup | None], root: str) -> str:
    """The page; `root` leads from it to the store. Texts are escaped; only what is ours goes in as it is."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= _filters(facts.currency)
    environment.globals["asset"] = lambda name: Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704
    return environment.get_template("template.html.j2").render(
        facts=facts,
        sections=SECTIONS,
        verdict=verdict,
        words=words,
        by_id={segment.segment_id: segment for segment in facts.segments},
        charts=drawn,
        root=root,
    )


def _charts(facts: data.Facts) -> dict[str, Markup | None]:
    from segmentation.report import charts  # Altair takes its time, and the summary does without

    return {
        "sizes": charts.sizes(facts.segments, facts.currency),
        "map": None if facts.points is None else charts.customer_map(facts.points, facts.segments),
        "movement": charts.movement(facts.flows, facts.segments) if facts.flows else None,
        "candidates": charts.candidates(facts),
    }


def _filters(currency: str | None) -> dict[str, Callable[..., Any]]:
    return {
        "number": words.number,
        "percent": words.percent,
        "plain": words.plain,
        "day": words.day,
        "money": lambda amount, digits=0: words.money(amount, currency, digits),
        "quantity": lambda value, unit: words.quantity(value, unit, currency),
        "short": lambda value, unit: words.short(value, unit, currency),
    }


def _write(file: Path, page: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, encoding="utf-8")
