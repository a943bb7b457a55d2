"""The three gates of a night: measure in SQL, judge with Great Expectations, keep, then stop if need be.

Nothing here reads a table into Python: `include/sql/quality/<table>.sql` measures a table in one pass, the
figures go to `quality.metrics`, and the suite of the table (`expectations` of its stage) judges them. Every
verdict is committed to `segments.quality_results`, and shown as Data Docs, before a critical one is raised.
See docs/adr/0005-quality-gates-judge-figures.md.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from segmentation.errors import GateFailed
from segmentation.quality import results as keeping
from segmentation.quality.figures import in_words
from segmentation.quality.metrics import Metrics
from segmentation.quality.results import GateResult, Result
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.warehouse import db

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult


def parent_date(conn: db.Connection, night: Night) -> date | None:
    found = register.parent(conn, night.as_of_date)
    return found["as_of_date"] if found else None


def judge(
    night: Night,
    gate: str,
    page: str,
    measured: list[Metrics],
    made: "dict[str, ExpectationSuite]",
    notes: dict[tuple[str, str], str] | None = None,
) -> GateResult:
    """Validate, store, render; then raise if a critical expectation was not met."""
    from segmentation.quality import docs

    link = docs.link(night, page)
    validate = _validator()
    validations = {m.table: validate(m, made[m.table]) for m in measured}
    not_judged = [{"table": t, **about} for t, suite in made.items() for about in suite.meta["not_judged"]]
    found = [_result(gate, t, r, link) for t, v in validations.items() for r in v.results]
    found = [_noted(result, notes or {}) for result in found]
    found += [_unjudged(gate, about, link) for about in not_judged]
    outcome = GateResult(gate, tuple(found), link)
    with night.warehouse.connect() as conn:
        keeping.store(conn, night, outcome.results)
    with night.warehouse.connect() as conn:
        docs.write(conn, night, page, validations, not_judged, notes or {})
        published = register.newest(conn)
    if outcome.failed["critical"]:
        raise GateFailed(keeping.message(night, outcome, published and published.isoformat()))
    return outcome


def _validator() -> "Callable[[Metrics, ExpectationSuite], ExpectationSuiteValidationResult]":
    """Great Expectations on one-row batches in memory: nothing written, sent or drawn on the terminal."""
    import great_expectations as gx
    import pandas as pd
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("metrics")

    def validate(measured: Metrics, suite: "ExpectationSuite") -> "ExpectationSuiteValidationResult":
        # objects, since the renderer of GX fails on numpy's floats
        frame = pd.DataFrame([measured.values], dtype=object)
        whole = source.add_dataframe_asset(measured.table).add_batch_definition_whole_dataframe("run")
        return whole.get_batch({"dataframe": frame}).validate(suite, result_format="BASIC")

    return validate


def _result(gate: str, table: str, validated: Any, link: str) -> Result:
    config = validated.expectation_config
    about = config.meta
    observed = in_words(validated.result.get("observed_value"), about["unit"])
    failing = None if validated.success else about["failing_rows"]
    return Result(
        gate=gate,
        table_name=table,
        expectation=about["name"],
        severity=getattr(config.severity, "value", config.severity),
        success=bool(validated.success),
        observed=observed,
        expected=about["expected"],
        says=about["says"],
        advice=about["advice"],
        failing_rows=failing,
        link=link,
    )


def _noted(result: Result, notes: dict[tuple[str, str], str]) -> Result:
    note = notes.get((result.table_name, result.expectation))
    return replace(result, observed=f"{result.observed} ({note})") if note else result


def _unjudged(gate: str, about: dict[str, Any], link: str) -> Result:
    return Result(
        gate=gate,
        table_name=about["table"],
        expectation=about["name"],
        severity=about["severity"],
        success=True,
        observed=f"not judged: {about['why']}",
        expected=about["expected"],
        says=about["says"],
        link=link,
    )
