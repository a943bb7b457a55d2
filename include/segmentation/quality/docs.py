"""Data Docs: the verdicts of a gate as a page that opens offline, in a stable place, rendered by GX.

`data_docs/index.html` leads to `data_docs/<as-of date>/<run>/<gate>.html`. GX's own page template asks ten
foreign hosts for its scripts and styles; ours frames the same sections and asks nobody.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation.quality.figures import in_words
from segmentation.quality.results import SEVERITIES
from segmentation.runs.night import Night
from segmentation.warehouse import db

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult

FOLDER = "data_docs"
TEMPLATES = Path(__file__).parent / "templates"
RUNS_LISTED = 400


def link(night: Night, page: str) -> str:
    """Where a page of the run is, relative to the run's store."""
    return f"{FOLDER}/{night.as_of_date:%Y-%m-%d}/{night.run_id}/{page}.html"


def write(
    conn: db.Connection,
    night: Night,
    page: str,
    validations: "dict[str, ExpectationSuiteValidationResult]",
    not_judged: list[dict[str, Any]],
    notes: dict[tuple[str, str], str],
) -> None:
    """Write the page of a gate, and the index of all pages (from the stored results).

    `notes` explain the figure of a table and expectation.
    """
    from great_expectations.render.view import DefaultJinjaPageView

    view = DefaultJinjaPageView(custom_views_directory=str(TEMPLATES))
    tables = [
        {
            "name": table,
            "failed": sum(not r.success for r in validation.results),
            "blocks": _blocks(validation, {name: note for (of, name), note in notes.items() if of == table}),
        }
        for table, validation in validations.items()
    ]
    text = view.env.get_template("gate_page.j2").render(
        night=night, gate=page, tables=tables, not_judged=not_judged
    )
    _put(night.store, link(night, page), text)
    runs = db.rows(conn, db.statement("quality/runs_judged.sql"), {"runs": RUNS_LISTED})
    _put(night.store, f"{FOLDER}/index.html", view.env.get_template("gate_index.j2").render(runs=runs))


def _blocks(validation: "ExpectationSuiteValidationResult", notes: dict[str, str]) -> list[dict[str, Any]]:
    """GX's table of the results, failures first; its third column, the figure, in our words."""
    from great_expectations.render.renderer import column_section_renderer as gx

    if not validation.results:
        return []
    ordered = sorted(validation.results, key=_place)
    section = gx.ValidationResultsColumnSectionRenderer().render(validation_results=ordered).to_json_dict()
    blocks = section["content_blocks"][1:]  # without its header, which is the name of the first figure
    for row, result in zip(blocks[0]["table"], ordered, strict=True):
        about = result.expectation_config.meta
        observed = in_words(result.result.get("observed_value"), about["unit"])
        note = notes.get(about["name"])
        row[-1] = f"{observed} ({note})" if note else observed
    return blocks


def _place(result: Any) -> tuple[bool, int, str]:
    config = result.expectation_config
    return bool(result.success), SEVERITIES.index(config.severity), config.meta["name"]


def _put(store: Path, place: str, text: str) -> None:
    file = store / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
