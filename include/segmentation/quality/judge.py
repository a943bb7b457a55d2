"""The three gates of a night: measure in SQL, judge with Great Expectations, keep, then stop if need be.

Nothing here reads a table into Python: `include/sql/quality/<table>.sql` measures a table in one pass, the
figures go to `quality.metrics`, and the suite of the table (`expectations` of its stage) judges them. Every
verdict is committed to `segments.quality_results`, and shown as Data Docs, before a critical one is raised.
See docs/adr/0005-quality-gates-judge-figures.md.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from segmentation.errors import GateFailed
from segmentation.quality import results as keeping
from segmentation.quality.metrics import Metrics
from segmentation.quality.results import GateResult, Result
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.warehouse import db

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult

    from segmentation.quality.builder import Suite


def parent_date(conn: db.Connection, night: Night) -> date | None:
    """The date that the night goes on from; None where nothing was published before it."""
    parent = register.parent(conn, night.as_of_date)
    return parent.as_of_date if parent else None


def judge(
    night: Night,
    gate: str,
    page: str,
    measured: list[Metrics],
    suites: "dict[str, Suite]",
    notes: dict[tuple[str, str], dict[str, Any]] | None = None,
) -> GateResult:
    """Validate, store, render; then raise if a critical expectation was not met.

    `notes` are details of a table and expectation that its figure is said with.
    """
    from segmentation.quality import docs

    link = docs.link(night, page)
    validate = _validator()
    validations = {m.table: validate(m, suites[m.table].tested) for m in measured}
    results = [
        _result(suites[table], validated, link, notes or {})
        for table, validation in validations.items()
        for validated in validation.results
    ]
    results += [replace(result, link=link) for suite in suites.values() for result in suite.not_judged]
    outcome = GateResult(gate, tuple(results), link)
    with night.warehouse.connect() as conn:
        keeping.store(conn, night, outcome.results)
    with night.warehouse.connect() as conn:
        docs.write(conn, night, page, validations, outcome.results)
        published = register.newest(conn)
    if outcome.failed["critical"]:
        raise GateFailed(keeping.message(night, outcome, published.isoformat() if published else None))
    return outcome


@cache
def _validator() -> "Callable[[Metrics, ExpectationSuite], ExpectationSuiteValidationResult]":
    """Great Expectations on one-row batches in memory: nothing written, sent or drawn on the terminal.

    One for all gates of a process: nothing of a batch stays in it but its newest frame.
    """
    import great_expectations as gx
    import pandas as pd
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.execution_engine import pandas_execution_engine
    from great_expectations.validator.v1_validator import Validator

    # no hash of each batch, which nobody reads: a fifth of a gate
    pandas_execution_engine.HASH_THRESHOLD = 0
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("metrics")
    # one for all tables: GX writes its whole configuration as YAML for each asset and each definition
    whole = source.add_dataframe_asset("measured").add_batch_definition_whole_dataframe("run")

    def validate(measured: Metrics, suite: "ExpectationSuite") -> "ExpectationSuiteValidationResult":
        # objects, since the renderer of GX fails on numpy's floats
        frame = pd.DataFrame([measured.values], dtype=object)
        # and not by a `Batch`, which would make the batch twice
        return Validator(whole, "BASIC", {"dataframe": frame}).validate_expectation_suite(suite)

    return validate


def _result(
    suite: "Suite", validated: Any, link: str, notes: dict[tuple[str, str], dict[str, Any]]
) -> Result:
    expected = suite.expected[validated.expectation_config.meta["name"]]
    success = bool(validated.success)
    return replace(
        expected,
        success=success,
        value=validated.result.get("observed_value"),
        details={**expected.details, **notes.get((suite.table, expected.expectation), {})},
        failing_rows=None if success else expected.failing_rows,
        link=link,
    ).in_english()
