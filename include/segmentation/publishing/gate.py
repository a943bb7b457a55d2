"""The gate on what is about to be published."""

from datetime import date

from segmentation.publishing import backtest
from segmentation.quality import metrics as measuring
from segmentation.quality.judge import judge, parent_date
from segmentation.quality.results import GateResult
from segmentation.runs.night import Night
from segmentation.warehouse import db


def check_segments(night: Night, staged_table: str) -> GateResult:
    """Judge the assignment staged in `staged_table` (schema.table), before it is published.

    Raises
    ------
    GateFailed
        When a critical expectation is not met. The results are stored, and nothing is published.
    """
    from segmentation.publishing import expectations

    table = "customer_segments"
    with night.warehouse.connect() as conn:
        measuring.measure(conn, night, "segments", table, table, {}, staged=staged_table)
        parent = parent_date(conn, night)
        if parent:
            _measure_changes(conn, night, staged_table, parent)
        _measure_rules(conn, night)
        _measure_validity(conn, night)
        measured = measuring.read(conn, night, "segments", table)
    suite = expectations.customer_segments(measured, night.settings, parent.isoformat() if parent else None)
    return judge(night, "segments", "segments", [measured], {table: suite})


def _measure_rules(conn: db.Connection, night: Night) -> None:
    """The segments without rules that hold, of a choice that was kept."""
    from segmentation.segments import chosen

    untold = chosen.untold(night)
    if untold is not None:
        measuring.keep(conn, night, "segments", "customer_segments", "untold_segments", len(untold))


def _measure_validity(conn: db.Connection, night: Night) -> None:
    """The part of what an earlier date foresaw that has come, and whether chance alone may be why it is not all."""
    row = backtest.take(night)
    came = backtest.missed(row) if row else None
    if came:
        measuring.keep(conn, night, "segments", "customer_segments", "foresight_kept", max(came[0], 0.0))
        measuring.keep(conn, night, "segments", "customer_segments", "foresight_missed", float(came[1]))


def _measure_changes(conn: db.Connection, night: Night, staged_table: str, parent: date) -> None:
    """The share of customers, of those in both dates, whose cluster is not their former segment's match."""
    from segmentation.segments import identity

    query = db.statement("segments/overlap.sql", assignments=staged_table)
    rows = db.rows(conn, query, {"parent_as_of_date": parent})
    # a row without a cluster is a fault, and has a figure of its own
    overlap = {(r["cluster"], r["segment_id"]): r["customers"] for r in rows if r["cluster"] is not None}
    if not overlap:
        return
    matched = {m.cluster: m.segment_id for m in identity.match(overlap, sorted({c for c, _ in overlap}))}
    changed = sum(n for (cluster, segment), n in overlap.items() if matched[cluster] != segment)
    customers = sum(overlap.values())
    measuring.keep(conn, night, "segments", "customer_segments", "customers_changed", changed)
    measuring.keep(conn, night, "segments", "customer_segments", "changed_share", changed / customers)
