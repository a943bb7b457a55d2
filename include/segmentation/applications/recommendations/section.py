"""Facts of the section in the report and on the page."""

from typing import Any

from segmentation.runs.register import Run
from segmentation.warehouse import db

SHOWN = 5  # products a segment


def section(conn: db.Connection, run: Run) -> dict[str, Any] | None:
    """The backtest, pooled over its dates, and the first products of each segment; None without any."""
    params = {**run.params, "most": SHOWN}
    products = db.rows(conn, db.statement("applications/recommendations/section_products.sql"), params)
    tested = db.rows(conn, db.statement("applications/recommendations/section_backtests.sql"), params)
    if not products and not tested:
        return None
    segments: dict[int, dict[str, Any]] = {}
    for row in products:
        one = {"segment_id": row["segment_id"], "segment": row["segment"], "products": []}
        segments.setdefault(row["segment_id"], one)["products"].append(row)
    return {
        "tested": tested,
        "chosen": next((row for row in tested if row["is_chosen"]), None),
        "baseline": next((row for row in tested if row["is_baseline"]), None),
        "segments": list(segments.values()),
    }
