"""The rules of a published date in the database, so that anybody gets a segment without Python."""

import re
from datetime import date
from typing import Any

import pandas as pd

from segmentation.features import expressions, table
from segmentation.warehouse import db

FEATURE = re.compile(r'"(\w+)"')  # in a condition, as `explain.condition` writes it
Rules = list[dict[str, Any]]  # segment_id and condition, in the order in which they are tried


def ordered(rules: pd.DataFrame) -> Rules:
    """Rows of `segments.segment_rules` in the order in which they are tried."""
    rows: Any = rules.sort_values(["segment_id", "rule_number"]).to_dict("records")
    return rows


def cases(rules: Rules) -> str:
    """The branches of a `case` over rules, in their order.

    A condition is made of names of features and of numbers only (`explain.condition`). Without rules nobody
    has a segment.
    """
    branches = (f"when {rule['condition']} then {rule['segment_id']}" for rule in rules)
    return " ".join(branches) or "when false then 0"


def replace(conn: db.Connection, as_of_date: date | None, rules: pd.DataFrame | None = None) -> None:
    """Make a published date the newest one in the database: its rules those of `segments.segment_by_rule()`,
    and `operations.newest_date()` the one that views are planned for. None: nothing is published.

    `rules` are its rows of `segments.segment_rules`, read where they are not given. A function is replaced
    without waiting for anybody who uses it, as a view is not: `assign_by_rule` stays as it is, and reads what
    was published in `customer_segments.rule_segment_id`.
    """
    if rules is None:
        query = (
            "select segment_id, condition from segments.segment_rules where as_of_date = %(d)s "
            "order by segment_id, rule_number"
        )
        texts = statements(db.rows(conn, query, {"d": as_of_date}))
    else:
        texts = statements(ordered(rules))
    newest = as_of_date.isoformat() if as_of_date else "-infinity"
    db.execute_bound(conn, [*texts, db.statement("segments/newest_date.sql", newest=newest)])


def statements(rules: Rules) -> list[str]:
    """The statements that make the functions of the rules.

    The features are those that the conditions name, which of an older date may be in no dictionary any more:
    they are unknown then.
    """
    used = sorted({name for rule in rules for name in FEATURE.findall(rule["condition"])})
    fields = (f"(customer ->> '{name}')::double precision as {expressions.quoted(name)}" for name in used)
    pieces = {"cases": cases(rules), "fields": ", ".join(fields) or "1"}
    return [table.live(), db.statement("segments/segment_by_rule.sql", **pieces)]
