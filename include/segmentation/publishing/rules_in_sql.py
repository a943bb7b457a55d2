"""The rules of the newest published date in the database, so that anybody gets a segment without Python."""

from datetime import date

from psycopg2 import sql

from segmentation.features import table
from segmentation.features.dictionary import dictionary
from segmentation.warehouse import db


def replace(conn: db.Connection, as_of_date: date) -> None:
    """Make `segments.segment_by_rule()` and `segments.assign_by_rule` those of a published date.

    They hold the conditions of `segments.segment_rules` of that date; a condition is made of names of
    features and of numbers only (`explain.condition`). A date without rules gives nobody a segment.
    """
    rules = db.rows(
        conn,
        "select segment_id, condition from segments.segment_rules where as_of_date = %(d)s "
        "order by segment_id, rule_number",
        {"d": as_of_date},
    )
    cases = " ".join(f"when {row['condition']} then {row['segment_id']}" for row in rules)
    used = [f.name for f in dictionary() if any(f'"{f.name}"' in row["condition"] for row in rules)]
    fields = [
        sql.SQL("(customer ->> {key})::double precision as {column}").format(
            key=sql.Literal(name), column=sql.Identifier(name)
        )
        for name in used
    ]
    pieces = {
        "cases": cases or "when false then 0",
        "fields": sql.SQL(", ").join(fields).as_string(conn) or "1",
        "newest": sql.SQL("{}::date").format(sql.Literal(as_of_date)).as_string(conn),
    }
    db.execute(conn, table.live())
    for statement in ("segments/segment_by_rule", "segments/assign_by_rule"):
        db.run_file(conn, f"{statement}.sql", **pieces)
