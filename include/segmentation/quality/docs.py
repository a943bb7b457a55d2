"""Data Docs: the verdicts of a gate as a page that opens offline, in a stable place, rendered by GX.

`data_docs/index.html` leads to `data_docs/<as-of date>/<run>/<gate>.html`. GX's own page template asks ten
foreign hosts for its scripts and styles; ours frames the same sections and asks nobody.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation import compiled
from segmentation.language.texts import ENGLISH, speaking
from segmentation.quality import wording
from segmentation.quality.results import SEVERITIES, Result
from segmentation.runs.night import Night
from segmentation.warehouse import db

if TYPE_CHECKING:
    import jinja2
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult

FOLDER = "data_docs"
TEMPLATES = Path(__file__).parent / "templates"
RUNS_LISTED = 400


def link(night: Night, page: str) -> str:
    """Path of a page of the run, relative to the run's store."""
    return f"{FOLDER}/{night.as_of_date:%Y-%m-%d}/{night.run_id}/{page}.html"


def write(
    conn: db.Connection,
    night: Night,
    page: str,
    validations: "dict[str, ExpectationSuiteValidationResult]",
    results: tuple[Result, ...],
) -> None:
    """Write the page of a gate, and the index of all pages (from the stored results)."""
    templates = _templates()
    tables = [
        {
            "name": table,
            "failed": sum(not r.success for r in validation.results),
            "blocks": _blocks(validation, {r.expectation: r for r in results if r.table_name == table}),
        }
        for table, validation in validations.items()
    ]
    with speaking(ENGLISH):
        text = templates.get_template("gate_page.j2").render(
            night=night,
            gate=page,
            tables=tables,
            not_judged=[result for result in results if "not_judged" in result.details],
            says=wording.says,
        )
    _put(night.store, link(night, page), text)
    runs = db.rows(conn, db.statement("quality/runs_judged.sql"), {"runs": RUNS_LISTED})
    _put(night.store, f"{FOLDER}/index.html", templates.get_template("gate_index.j2").render(runs=runs))


@cache
def _templates() -> "jinja2.Environment":
    """The templates of GX and ours, compiled once a process at most."""
    from great_expectations.render.view import DefaultJinjaPageView

    environment: jinja2.Environment = DefaultJinjaPageView(custom_views_directory=str(TEMPLATES)).env
    environment.bytecode_cache = compiled.cache()
    return environment


def _name(validated: "ExpectationValidationResult") -> str:
    """The name that an expectation of ours has."""
    expectation = validated.expectation_config
    return (expectation.meta or {}).get("name", "") if expectation else ""


def _blocks(
    validation: "ExpectationSuiteValidationResult", results: dict[str, Result]
) -> list[dict[str, Any]]:
    """GX's table of the results, failures first; its third column, the figure, in our words."""
    from great_expectations.render.renderer import column_section_renderer as gx

    if not validation.results:
        return []
    ordered = sorted(validation.results, key=_place)
    section = gx.ValidationResultsColumnSectionRenderer().render(validation_results=ordered).to_json_dict()
    blocks = section["content_blocks"][1:]  # without its header, which is the name of the first figure
    for row, validated in zip(blocks[0]["table"], ordered, strict=True):
        row[-1] = results[_name(validated)].observed
    return blocks


def _place(result: Any) -> tuple[bool, int, str]:
    config = result.expectation_config
    return bool(result.success), SEVERITIES.index(config.severity), config.meta["name"]


def _put(store: Path, place: str, text: str) -> None:
    file = store / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
