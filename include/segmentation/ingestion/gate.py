"""The gates on what was extracted and on what was cleaned."""

from datetime import date, timedelta

from segmentation.errors import SourceError
from segmentation.quality import judge
from segmentation.quality import metrics as measuring
from segmentation.quality.metrics import Metrics
from segmentation.quality.results import GateResult
from segmentation.row_rules import NO_FAULT, RULES
from segmentation.runs.night import Night
from segmentation.sources import contract
from segmentation.warehouse import db

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


def refuse_source(night: Night, error: SourceError) -> None:
    """Record, as the first finding of the gate `sources`, that the source does not fit its contract.

    Raises
    ------
    GateFailed
        Always; the result is stored. What is staged is untouched.
    """
    from segmentation.ingestion import expectations

    table = error.table or night.settings.shop.source
    with night.warehouse.connect() as conn:
        measuring.keep(conn, night, "sources", table, contract.UNFIT, 1)
    measured = Metrics(table, {contract.UNFIT: 1})
    suites = {table: expectations.contract(measured, night.settings)}
    notes = {(table, contract.UNFIT): {"note": error.unsaid}}
    judge.judge(night, "sources", "sources", [measured], suites, notes)


def check_sources(night: Night, first: date | None, end: date) -> GateResult:
    """Judge what was extracted, before it is cleaned: the days from `first` (None: all) to before `end`.

    Raises
    ------
    GateFailed
        When a critical expectation is not met. The results are stored, and what is clean is untouched.
    """
    from segmentation.ingestion import expectations

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
    suites = {m.table: expectations.SOURCES[m.table](m, night.settings) for m in measured}
    return judge.judge(night, "sources", "sources", measured, suites)


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
    from segmentation.ingestion import expectations

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
            measuring.measure(conn, night, "sources", "orders", "unknown_customers", params)
        measured = [measuring.read(conn, night, "sources", table) for table in tables]
        if never := [m.table for m in measured if "rows_in" not in m.values]:
            raise LookupError(f"run {night.run_id} has not cleaned {', '.join(never)}: nothing to judge")
        refused = {table: {"rules": _rules(conn, night, table)} for table in tables}
    notes = {(t, f"broken_share{suffix}"): refused[t] for t in tables for suffix in ("", "_is_low")}
    suites = {m.table: expectations.cleaning(m, night.settings) for m in measured}
    return judge.judge(night, "sources", "cleaning", measured, suites, notes)


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


def _extracted_days(conn: db.Connection, night: Night) -> dict[str, date | None]:
    """The window of the run: `first` (None: all history) to before `end`."""
    days = db.row(
        conn,
        "select min(day_from) as first, max(day_to) as end from staging.loads "
        "where run_id = %(run_id)s having count(*) > 0",
        night.params,
    )
    return days or {"first": None, "end": night.as_of_date}


def _rules(conn: db.Connection, night: Night, table: str) -> dict[str, int]:
    """Rows by rule, of the three rules that refused most."""
    counts = db.scalar(
        conn,
        "select rules from core.row_counts where run_id = %(run_id)s and table_name = %(table)s",
        {**night.params, "table": table},
    )
    faults = sorted(((n, rule) for rule, n in (counts or {}).items() if rule not in NO_FAULT), reverse=True)
    return {rule: n for n, rule in faults[:3]}
