"""The three gates of a night: measure in SQL, judge with Great Expectations, keep, then stop if need be.

Nothing here reads a table into Python: `include/sql/quality/<table>.sql` measures a table in one pass, the
figures go to `quality.metrics`, and the suite of the table (`suites`) judges them. Every verdict is committed
to `segments.quality_results`, and shown as Data Docs, before a critical one is raised.
See docs/adr/0005-quality-gates-judge-figures.md.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from segmentation import features, rollup
from segmentation.errors import GateFailed, SourceError
from segmentation.quality import metrics as measuring
from segmentation.quality import results as keeping
from segmentation.quality.figures import in_words
from segmentation.quality.metrics import Metrics
from segmentation.quality.results import GateResult, Result
from segmentation.row_rules import NO_FAULT, RULES
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.sources import contract
from segmentation.warehouse import db

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult

# Beside the table's own file. A customer is replaced when it changes, so rows of past days do go.
MORE_FIGURES = {
    "customers": ("customers_before", "texts"),
    "orders": ("reread", "volume", "order_days", "texts", "usual"),
    "order_items": ("reread", "volume", "texts", "usual"),
    "events": ("reread", "volume"),
    "reviews": ("reread",),
}

# What a day adds up to, and the levels (mean logarithms, which a few dear goods do not move) of a line.
VOLUMES = {"rows": "count(*)"}
LINE_VOLUMES = {
    **VOLUMES,
    # one line of ten millions is for cleaning to refuse, and no revenue
    "revenue": "sum(quantity * unit_price) filter (where quantity > 0 and unit_price > 0 "
    "and quantity * unit_price <= %(max_line_amount)s)",
    "price": "avg(ln(unit_price::double precision)) filter (where unit_price > 0)",
    "quantity": "avg(ln(quantity::double precision)) filter (where quantity > 0)",
}

# What may be anything in a shop, but not of a sudden.
USUAL = ("cancelled_share", "category_present_share")

# Columns of words; a line's product and category are one text, for there are fewer pairs than lines.
TEXTS = {
    "customers": "concat_ws(' ', country, region, city)",
    "orders": "concat_ws(' ', channel, status)",
    "order_items": "concat_ws(' ', product_id, category)",
}

# The replacement character; control characters of Latin-1; UTF-8 read as Latin-1 or Windows-1252 (its first
# byte shows as one of these letters, the next as a sign that no word has inside), or as GBK.
_SIGN = "\u00a1-\u00bf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152"
DAMAGED = (
    f"[\ufffd\u0080-\u009f]|[\u00c2\u00c3][\u00a0{_SIGN}]|[\u00d0\u00d1][{_SIGN}]"
    f"|[\u00e0-\u00ef][{_SIGN}][\u00a0{_SIGN}]|\u00e2\u20ac|\u951f\u65a4\u62f7"
)
MOST_DAYS_JUDGED = 7  # of those that were not cleaned yet, because the nights before stopped

DRIFT_SAMPLE = 10_000  # customers; their noise in a population stability index is about .002
RECENT_DAYS = 28  # days over which roll-up and clean lines are compared

# The range of a feature by its unit. Money may be negative: returns of what was bought before the records.
RANGES: dict[str, tuple[float | None, float | None]] = {
    "currency": (None, None),
    "share": (0, 1),
    "stars": (1, 5),
    "years": (0, 200),
}
RANGE_OF = {"spend_trend_90d": (-1, 1)}
NOT_NEGATIVE = (0, None)


def refuse_source(night: Night, error: SourceError) -> None:
    """Record, as the first finding of the gate `sources`, that the source does not fit its contract.

    Raises
    ------
    GateFailed
        Always; the result is stored. What is staged is untouched.
    """
    from segmentation.quality import suites

    table = error.table or night.settings.shop.source
    with night.warehouse.connect() as conn:
        measuring.keep(conn, night, "sources", table, contract.UNFIT, 1)
    measured = Metrics(table, {contract.UNFIT: 1})
    made = {table: suites.contract(measured, night.settings)}
    _judge(night, "sources", "sources", [measured], made, {(table, contract.UNFIT): error.unsaid})


def check_sources(night: Night, first: date | None, end: date) -> GateResult:
    """Judge what was extracted, before it is cleaned: the days from `first` (None: all) to before `end`.

    Raises
    ------
    GateFailed
        When a critical expectation is not met. The results are stored, and what is clean is untouched.
    """
    from segmentation.quality import suites

    tables = [name for name in contract.DAILY if name in contract.tables_of(night.settings.shop.source)]
    quality = night.settings.quality
    params = {
        "first": first,
        "end": end,
        "min_rows": quality.min_rows,
        "order_statuses": list(quality.order_statuses),
        "event_types": list(quality.event_types),
        "min_birth_year": night.settings.cleaning.min_birth_year,
        "max_volume_factor": quality.max_volume_factor,
        "max_line_amount": night.settings.cleaning.max_line_amount,
        "damaged": DAMAGED,
        "usual": list(USUAL),
    }
    with night.warehouse.connect() as conn:
        params["since"] = _not_cleaned_since(conn, tables, end)
        for table in tables:
            volumes = LINE_VOLUMES if table == "order_items" else VOLUMES
            params["measures"] = list(volumes)
            parts = ", ".join(f"'{name}', {figure}" for name, figure in volumes.items())
            named = {"figures": f"jsonb_build_object({parts})", "texts": TEXTS.get(table)}
            for source in (table, *MORE_FIGURES.get(table, ())):
                measuring.measure(conn, night, "sources", table, source, params, **named)
        measured = [measuring.read(conn, night, "sources", table) for table in tables]
    made = {m.table: suites.SOURCES[m.table](m, night.settings) for m in measured}
    return _judge(night, "sources", "sources", measured, made)


def check_cleaning(night: Night) -> GateResult:
    """Judge what cleaning refused, merged and could not relate, of the days that the run extracted.

    A part of the gate `sources`: the row rules live in the cleaning SQL, and are judged by their counts.

    Raises
    ------
    GateFailed
        When a critical expectation is not met. The results are stored; the days count as not loaded, so the
        next run reads them again.
    LookupError
        When the run has not cleaned.
    """
    from segmentation.quality import suites

    shop = contract.tables_of(night.settings.shop.source)
    tables = [name for name in contract.DAILY if name in shop]
    with night.warehouse.connect() as conn:
        params = {
            **_extracted_days(conn, night),
            "min_rows": night.settings.quality.min_rows,
            "no_fault": list(NO_FAULT),
        }
        for table in tables:
            measuring.measure(conn, night, "sources", table, "cleaning", params)
            by_rule = params | {"rules": list(RULES[table])}
            measuring.measure(conn, night, "sources", table, "rules", by_rule)
        if "customers" in shop:
            measuring.measure(conn, night, "sources", "orders", "strangers", params)
        measured = [measuring.read(conn, night, "sources", table) for table in tables]
        if never := [m.table for m in measured if "rows_in" not in m.values]:
            raise LookupError(f"run {night.run_id} has not cleaned {', '.join(never)}: nothing to judge")
        notes = {(t, f"broken_share{s}"): _rules(conn, night, t) for t in tables for s in ("", "_is_low")}
    made = {m.table: suites.cleaning(m, night.settings) for m in measured}
    return _judge(night, "sources", "cleaning", measured, made, notes)


def check_features(night: Night) -> GateResult:
    """Judge the features of the as-of date, against the roll-up and against those of the parent date.

    Raises
    ------
    GateFailed
        When a critical expectation is not met. The results are stored.
    """
    from segmentation.quality import suites

    table, wanted = "customer_features", features.of(night)
    with night.warehouse.connect() as conn:
        figures = ",\n    ".join(figure for feature in wanted for figure in _figures(feature))
        measuring.measure(conn, night, "features", table, table, {}, figures=figures)
        since = night.as_of_date - timedelta(days=RECENT_DAYS)
        known = {"since": since, "month": rollup.month_start(conn, night.as_of_date)}
        measuring.measure(conn, night, "features", table, "eligible", known)
        measured = measuring.read(conn, night, "features", table)
        parent = _parent(conn, night)
        if parent:
            _measure_drift(conn, night, wanted, parent, measured.count("row_count"))
            measured = measuring.read(conn, night, "features", table)
    suite = suites.customer_features(measured, night.settings, wanted, parent and parent.isoformat())
    return _judge(night, "features", "features", [measured], {table: suite})


def check_segments(night: Night, staged_table: str) -> GateResult:
    """Judge the assignment staged in `staged_table` (schema.table), before it is published.

    Raises
    ------
    GateFailed
        When a critical expectation is not met. The results are stored, and nothing is published.
    """
    from segmentation.quality import suites

    table = "customer_segments"
    with night.warehouse.connect() as conn:
        measuring.measure(conn, night, "segments", table, table, {}, staged=staged_table)
        parent = _parent(conn, night)
        if parent:
            _measure_changes(conn, night, staged_table, parent)
        measured = measuring.read(conn, night, "segments", table)
    suite = suites.customer_segments(measured, night.settings, parent and parent.isoformat())
    return _judge(night, "segments", "segments", [measured], {table: suite})


def _not_cleaned_since(conn: db.Connection, tables: list[str], end: date) -> date:
    """The first of the newest days: a day that stopped a night must stop the next one too."""
    newest = end - timedelta(days=1)
    loaded = db.scalar(
        conn,
        "select min(loaded_before) from staging.watermarks where table_name = any(%(tables)s)",
        {"tables": tables},
    )
    earliest = end - timedelta(days=MOST_DAYS_JUDGED)
    # a backfill has cleaned the days of all its dates at once, those that stopped one of them, too
    stopped = db.scalar(conn, db.statement("quality/stopped.sql"), {"end": end, "earliest": earliest})
    days = [newest, *([max(loaded, earliest)] if loaded else []), *([stopped] if stopped else [])]
    return min(days)


def _parent(conn: db.Connection, night: Night) -> date | None:
    found = register.parent(conn, night.as_of_date)
    return found["as_of_date"] if found else None


def _extracted_days(conn: db.Connection, night: Night) -> dict[str, date | None]:
    """The window of the run: `first` (None: all history) to before `end`."""
    days = db.row(
        conn,
        "select min(day_from) as first, max(day_to) as end from staging.loads "
        "where run_id = %(run_id)s having count(*) > 0",
        night.params,
    )
    return days or {"first": None, "end": night.as_of_date}


def _figures(feature: features.Feature) -> list[str]:
    """What is counted of a feature: who has it, and, of a number, whose is out of its range or not finite."""
    name = f'"{feature.name}"'
    known = f'count({name}) as "known_{feature.name}"'
    if feature.kind == "text":
        return [known]
    lowest, highest = RANGE_OF.get(feature.name) or RANGES.get(feature.unit, NOT_NEGATIVE)
    least = "'-Infinity' <" if lowest is None else f"{lowest} <="
    most = "< 'Infinity'" if highest is None else f"<= {highest}"
    within = f"{least} {name} and {name} {most}"
    return [known, f'count(*) filter (where not ({within})) as "outside_{feature.name}"']


def _rules(conn: db.Connection, night: Night, table: str) -> str:
    """The rules that refused most rows, for the message."""
    counts = db.scalar(
        conn,
        "select rules from core.row_counts where run_id = %(run_id)s and table_name = %(table)s",
        {**night.params, "table": table},
    )
    faults = sorted(((n, rule) for rule, n in (counts or {}).items() if rule not in NO_FAULT), reverse=True)
    return ", ".join(f"{rule} {n:,}" for n, rule in faults[:3])


def _measure_drift(
    conn: db.Connection, night: Night, wanted: tuple[features.Feature, ...], parent: date, customers: int
) -> None:
    numbers = [feature.name for feature in wanted if feature.kind != "text"]
    categories = [feature.name for feature in wanted if feature.kind == "text"]
    params = {
        "parent_as_of_date": parent,
        "sample_every": max(customers // DRIFT_SAMPLE, 1),
        "number_names": numbers,
        "category_names": categories,
    }
    columns = {"numbers": _columns(numbers), "categories": _columns(categories)}
    measuring.measure(conn, night, "features", "customer_features", "drift", params, **columns)


def _columns(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _measure_changes(conn: db.Connection, night: Night, staged_table: str, parent: date) -> None:
    """The share of customers, of those in both dates, whose cluster is not their former segment's match."""
    from segmentation import identity

    query = db.statement("segments/overlap.sql", assignments=staged_table)
    rows = db.rows(conn, query, {"parent_as_of_date": parent})
    # a row without a cluster is a fault, and has a figure of its own
    overlap = {(r["cluster"], r["segment_id"]): r["customers"] for r in rows if r["cluster"] is not None}
    if not overlap:
        return
    matched = {m.cluster: m.segment_id for m in identity.match(overlap, sorted({c for c, _ in overlap}))}
    changed = sum(n for (cluster, segment), n in overlap.items() if matched[cluster] != segment)
    known = sum(overlap.values())
    measuring.keep(conn, night, "segments", "customer_segments", "customers_changed", changed)
    measuring.keep(conn, night, "segments", "customer_segments", "changed_share", changed / known)


def _judge(
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
