"""The rules of a published date in the database, so that anybody gets a segment without Python."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from psycopg2 import sql

from segmentation.features.dictionary import dictionary
from segmentation.warehouse import db


def cases(rules: Iterable[dict[str, Any]]) -> str:
    """The branches of a `case` over rules (segment_id, condition), in their order.

    A condition is made of names of features and of numbers only (`explain.condition`). Without rules nobody
    has a segment.
    """
    branches = (f"when {rule['condition']} then {rule['segment_id']}" for rule in rules)
    return " ".join(branches) or "when false then 0"


def replace(conn: db.Connection, as_of_date: date | None) -> None:
    """Make `segments.segment_by_rule()` that of a published date; None: of none, nobody has a segment.

    A function is replaced without waiting for anybody who uses it, as a view is not: `assign_by_rule` stays
    as it is, and reads what was published in `customer_segments.rule_segment_id`.
    """
    found = db.rows(
        conn,
        "select segment_id, condition from segments.segment_rules where as_of_date = %(d)s "
        "order by segment_id, rule_number",
        {"d": as_of_date},
    )
    used = [f.name for f in dictionary() if any(f'"{f.name}"' in row["condition"] for row in found)]
    fields = [
        sql.SQL("(customer ->> {key})::double precision as {column}").format(
            key=sql.Literal(name), column=sql.Identifier(name)
        )
        for name in used
    ]
    pieces = {"cases": cases(found), "fields": sql.SQL(", ").join(fields).as_string(conn) or "1"}
    for statement in ("features/live", "segments/segment_by_rule"):
        db.run_file(conn, f"{statement}.sql", **pieces)
