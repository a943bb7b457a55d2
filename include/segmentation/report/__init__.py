"""The report of a published date: one HTML file that opens offline and loads nothing.

It is made of sections, one template each under `templates/sections`; a new section is a file and an entry
in SECTIONS. Those of the applications stand in the folder of each. What they show is read by `data`, drawn by
`charts`, and worded by `words`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from segmentation import applications, compiled
from segmentation.language import numbers
from segmentation.language.texts import speaking, t, typeset
from segmentation.report import data, drawings, plays, verdict, words
from segmentation.runs.night import Night

TEMPLATES = Path(__file__).parent / "templates"
FILE = "report.html"

# (name of the template and anchor, heading); the applications come after the first two
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
    file = night.folder / FILE
    with speaking(night.settings.language):
        facts = data.read(night)
        drawn = _charts(facts)
        page = render(facts, drawn, root="../../")
        _write(file, page)
        if facts.is_newest:
            _write(night.store / FILE, render(facts, drawn, root=""))
    progress(f"report: {len(page.encode()) / 1024:,.0f} kB, {file}")
    return file


def render(facts: data.Facts, drawn: dict[str, Markup | None], root: str) -> str:
    """The page; `root` leads from it to the store."""
    return (
        environment(facts.currency)
        .get_template("template.html.j2")
        .render(
            facts=facts,
            sections=_sections(facts),
            by_id={segment.segment_id: segment for segment in facts.segments},
            charts=drawn,
            root=root,
        )
    )


def _sections(facts: data.Facts) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Anchor, heading, template, and what the template is told beside the facts of the report."""
    ours: list[tuple[str, str, str, dict[str, Any]]] = [
        (name, heading, f"sections/{name}.html.j2", {}) for name, heading in SECTIONS
    ]
    theirs = [(one.name, one.heading, one.template, one.facts) for one in facts.applications]
    return [*ours[:2], *theirs, *ours[2:]]


class _Page(jinja2.Template):
    """A template whose text is set as the language in force sets it."""

    def render(self, *args: Any, **values: Any) -> str:
        """Everything but the texts stands in the template as for English."""
        return typeset(super().render(*args, **values))


def environment(currency: str | None, *folders: Path) -> jinja2.Environment:
    """The environment of the templates. Texts are escaped; only what is ours goes in as it is."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, TEMPLATES, applications.FOLDER]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=compiled.cache(),
    )
    templates.template_class = _Page
    templates.filters |= compiled.when_rendered(_filters(currency))
    templates.globals |= {
        "t": t,
        "words": words,
        "numbers": numbers,
        "verdict": verdict,
        "drawings": drawings,
        "plays": plays,
    }
    templates.globals["asset"] = lambda name: Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704
    return templates


def movement(flows: Sequence[data.Flow], segments: Sequence[data.Segment], description: str) -> Markup | None:
    """Drawing of the flows between segments; None where there are none."""
    if not flows:
        return None
    colour = data.colours(sorted({i for f in flows for i in (f.source, f.target) if i is not None}))
    colour |= {segment.segment_id: segment.colour for segment in segments}
    place = {segment.segment_id: number for number, segment in enumerate(segments)}
    sides: dict[str, list[drawings.Node]] = {}
    for end, name in (("source", "source_name"), ("target", "target_name")):
        sizes: dict[int | None, tuple[str, int]] = {}
        for flow in flows:
            before = sizes.get(getattr(flow, end), ("", 0))[1]
            sizes[getattr(flow, end)] = (getattr(flow, name), before + flow.customers)
        nodes = [
            drawings.Node(i, called, None if i is None else colour.get(i), n)
            for i, (called, n) in sizes.items()
        ]
        sides[end] = sorted(nodes, key=lambda node: _order(node, place))
    bands = [drawings.Band(flow.source, flow.target, flow.customers) for flow in flows]
    names = {"source": t("new customers"), "target": t("no longer there")}
    return drawings.alluvial(bands, sides["source"], sides["target"], description, names)


def _order(node: drawings.Node, place: dict[int, int]) -> tuple[bool, int, int]:
    """Order in which the segments are listed; those that are no more after them, and nobody's at the end."""
    key = node.segment_id
    return (True, len(place), 0) if key is None else (False, place.get(key, len(place)), key)


def _charts(facts: data.Facts) -> dict[str, Markup | None]:
    from segmentation.report import charts  # pandas takes its time, and the summary does without

    description = t("Customers moving between segments since the date before")
    return {
        "map": None if facts.points is None else charts.customer_map(facts.points, facts.segments),
        "movement": movement(facts.flows, facts.segments, description),
        "candidates": charts.candidates(facts),
        "validity": charts.validity(facts.backtests),
    }


def _filters(currency: str | None) -> dict[str, Callable[..., Any]]:
    return {
        "number": numbers.number,
        "percent": numbers.percent,
        "plain": numbers.plain,
        "day": numbers.day,
        "money": lambda amount, digits=0: numbers.money(amount, currency, digits),
        "quantity": lambda value, unit: numbers.quantity(value, unit, currency),
        "short": lambda value, unit: numbers.short(value, unit, currency),
    }


def _write(file: Path, page: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, encoding="utf-8")
