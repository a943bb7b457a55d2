"""The rules of the newest published date in the database, so that anybody gets a segment without Python."""

from datetime import date

import pandas as pd

from segmentation.features import expressions, table
from segmentation.features.dictionary import dictionary
from segmentation.warehouse import db


def replace(conn: db.Connection, as_of_date: date, rules: pd.DataFrame) -> None:
    """Make `segments.segment_by_rule()` and `segments.assign_by_rule` those of a published date.

    `rules` are its rows of `segments.segment_rules`; a condition is made of names of features and of numbers
    only (`explain.condition`). A date without rules gives nobody a segment.
    """
    db.execute_bound(conn, statements(as_of_date, rules))


def statements(as_of_date: date, rules: pd.DataFrame) -> list[str]:
    """The statements that make the functions and the view."""
    ordered = rules.sort_values(["segment_id", "rule_number"]).to_dict("records")
    cases = " ".join(f"when {row['condition']} then {row['segment_id']}" for row in ordered)
    used = [f.name for f in dictionary() if any(f'"{f.name}"' in row["condition"] for row in ordered)]
    fields = (f"(customer ->> '{name}')::double precision as {expressions.quoted(name)}" for name in used)
    pieces = {
        "cases": cases or "when false then 0",
        "fields": ", ".join(fields) or "1",
        "newest": f"date '{as_of_date}'",
    }
    files = ("segments/segment_by_rule", "segments/assign_by_rule")
    return [table.live(), *(db.statement(f"{file}.sql", **pieces) for file in files)]
