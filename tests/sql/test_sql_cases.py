"""One folder a case: `<layer>/<table>/<case>/` tests `include/sql/<layer>/<table>.sql` on a real Postgres.

inputs.yaml    relation -> rows to insert; a column that is not named has its default
params.yaml    `bind`: values; `identifiers`: what Jinja puts in; `before`: statements that make what the
               file expects to be there; `times`: how often to run it (default once)
expected.yaml  relation -> all its rows, in the order of the columns named; only these are compared.
               `result` are the rows that the file itself returns

Every case runs in a transaction that is rolled back.
"""

import itertools
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml

from segmentation.features import checkpoints, dictionary, expressions, rollup, table
from segmentation.ingestion import cleaning
from segmentation.warehouse import db, partitions
from tests.small_shop import insert

HERE = Path(__file__).parent
CASES = sorted(file.parent.relative_to(HERE) for file in HERE.glob("*/*/*/expected.yaml"))
DEFAULTS = {
    "run_id": "this run",
    "timezone": "Europe/London",
    "first": None,
    "month": None,
    "year_month": None,
    "slot": 1,
    "max_line_amount": 1_000_000,
    "min_birth_year": 1900,
    "max_text_bytes": 500,
    "max_body_bytes": 100_000,
}
MADE_BY_FILES = (
    "judged",
    "touched",
    "rolled_orders",
    "fresh_days",
    "fresh_cancelled",
    "fresh_products",
    "changed_days",
)  # temporary, until the transaction ends


@pytest.fixture(scope="module")
def warehouse_with_features(new_database, migrated) -> Iterator[db.Connection]:
    """One connection to a warehouse that has a column for every feature, and the cases' months."""
    connection = psycopg2.connect(**new_database(migrated).params)
    table._ensure_columns(connection)
    for year, month in itertools.product((2023, 2024), range(1, 13)):
        for parent in rollup.BY_MONTH:
            partitions.make_month(connection, "features", parent, date(year, month, 1))
    connection.commit()
    yield connection
    connection.close()


def content(case: Path, name: str) -> dict[str, Any]:
    file = HERE / case / f"{name}.yaml"
    return (yaml.safe_load(file.read_text()) or {}) if file.exists() else {}


def plain(value: Any) -> Any:
    """Values as YAML writes them."""
    if isinstance(value, Decimal):
        return float(value)
    return "infinity" if value == date.max else value


def run(conn: db.Connection, case: Path, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Run the file; the rows that it returns."""
    identifiers = {
        "whom": "true",
        "recent": "features.customer_recent",
        "diversity": "features.customer_diversity",
        "source": f"features.{checkpoints.SLOTTED.get(case.parts[1], ('', 0))[0]}",
        "state": db.statement(
            "features/state.sql", whom="true", order_gaps=db.statement("features/order_gaps.sql", whom="true")
        ),
        **(cleaning.identifiers(case.parts[1]) if case.parts[0] == "core" else rollup.identifiers()),
        **params.get("identifiers", {}),
    }
    if case.parts[1] == "customer_features":
        named = {feature.name: feature for feature in dictionary.dictionary()}
        wanted = [named[name.strip()] for name in identifiers["columns"].split(",")]
        identifiers["columns"] = expressions.columns((f.name, f.kind, f.expression) for f in wanted)
    text = db.statement(f"{case.parts[0]}/{case.parts[1]}.sql", **identifiers)
    with conn.cursor() as cursor:
        cursor.execute(text, {**DEFAULTS, **params.get("bind", {})})
        if cursor.description is None:
            return []
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def rows_of(conn: db.Connection, relation: str, columns: list[str]) -> list[dict[str, Any]]:
    listed = ", ".join(columns)
    return db.rows(conn, f"select {listed} from {relation} order by {listed}")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(warehouse_with_features, case):
    conn = warehouse_with_features
    params, expected = content(case, "params"), content(case, "expected")
    assert expected, f"{case}/expected.yaml expects nothing"
    try:
        for statement in params.get("before", []):
            db.execute(conn, statement)
        for relation, rows in content(case, "inputs").items():
            insert(conn, tuple(relation.split(".")), rows)
        if case.parts[1] == "customer_features":  # the slot of its date stands
            bind = {**DEFAULTS, **params["bind"]}
            recent = db.statement("features/customer_recent.sql", source="features.customer_day")
            db.execute(conn, f"insert into features.customer_recent {recent}", bind)
        for time in range(params.get("times", 1)):
            if time:
                db.execute(conn, f"drop table if exists {', '.join(MADE_BY_FILES)}")
            result = run(conn, case, params)
        for relation, rows in expected.items():
            columns = list(rows[0]) if rows else ["*"]
            if relation == "result":
                found = sorted(
                    ({column: row[column] for column in columns} for row in result),
                    key=lambda row: list(map(str, row.values())),
                )
            elif rows:
                found = rows_of(conn, relation, columns)
            else:
                found = db.rows(conn, f"select * from {relation}")
            found = [{name: plain(value) for name, value in row.items()} for row in found]
            assert found == rows, relation
    finally:
        conn.rollback()


def test_every_folder_is_a_case_of_a_file():
    assert len(CASES) > 40
    for case in CASES:
        assert (db.SQL / case.parts[0] / f"{case.parts[1]}.sql").exists(), case
        assert (HERE / case / "inputs.yaml").read_text().startswith("#"), (
            f"{case} does not say what it is for"
        )
