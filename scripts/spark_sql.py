"""The statements of `include/sql` that Spark runs too, written in its dialect by SQLGlot into `include/spark_sql`.

`python scripts/spark_sql.py` writes them anew, and a test compares. There is one definition, that of Postgres: nothing
under `include/spark_sql` is edited by hand.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import sqlglot
import yaml
from sqlglot import exp

from segmentation.features import dictionary, expressions
from segmentation.ingestion import cleaning
from segmentation.warehouse import db

PROJECT = Path(__file__).resolve().parents[1]
SQL = PROJECT / "include" / "sql"
WRITTEN = PROJECT / "include" / "spark_sql"
TABLES = ("customers", "orders", "order_items", "events", "reviews")
PARTS = {"judged": "judged", "kept": "core", "quarantined": "quarantine"}
"""Statements of a file of row rules, by what they fill: the temporary table, or the schema of the table."""
MORE_PARTS = {"touched": "touched"}
"""Those that not every file has."""

DATES = {
    "day", "as_of_date", "first_order_day", "last_order_day", "last_visit_day", "cancelled_on",
}  # fmt: skip
"""Columns and parameters that are dates; the difference of two of them is a number of days."""
INFINITE = {"-infinity": "0001-01-01", "infinity": "9999-12-31"}
COLUMNS = "here_come_the_columns"
RAW = "raw"
RELEASES = "schema/0004_releases.sql"
RELEASED = re.compile(r"function quarantine\.is_released.*?\$\$(.*?)\$\$", re.DOTALL)


def files() -> Iterator[tuple[str, str]]:
    """Name and text of every file."""
    for table in TABLES:
        for part, select in row_rules(table).items():
            yield f"{table}_{part}.sql", _text(select, f"core/{table}.sql")
    yield "features.sql", _text(_features(), "features/from_facts.sql").replace(COLUMNS, "{{ columns }}")
    yield "expressions.yaml", _expressions()


def row_rules(table: str) -> dict[str, exp.Expression]:
    """The selects of a table's row rules: what is judged, kept and put aside."""
    parts = cleaning.identifiers(table)
    if "judged" in parts:
        parts["judged"] = _named_apart(parts["judged"], "judging")
    text = db.statement(f"core/{table}.sql", **parts).replace(" on commit drop", "")
    statements = sqlglot.parse(text, read="postgres")
    selects = {}
    for statement in statements:
        if not isinstance(statement, exp.Create | exp.Insert) or statement.this is None:
            continue
        target = statement.find(exp.Table)
        part = next(
            (part for part, name in (PARTS | MORE_PARTS).items() if name in (target.db, target.name)), None
        )
        if part:
            selects[part] = _with_names(statement)
    if not selects.keys() >= PARTS.keys():
        missing = sorted(PARTS[part] for part in PARTS.keys() - selects.keys())
        raise SystemExit(f"core/{table}.sql: no statement fills {', '.join(missing)}")
    return selects


def _with_names(statement: exp.Expression) -> exp.Expression:
    """The select of a statement; what an insert says of its columns becomes their names."""
    select = statement.expression
    if isinstance(statement.this, exp.Schema):
        columns = statement.this.expressions
        named = [
            exp.alias_(value.unalias(), column.name)
            for value, column in zip(select.expressions, columns, strict=True)
        ]
        select.set("expressions", named)
    else:
        named = [
            exp.alias_(one, one.name) if isinstance(one, exp.Placeholder) else one
            for one in select.expressions
        ]
        select.set("expressions", named)
    return select


def _features() -> exp.Expression:
    """The select of the features of everybody at a date, from all clean facts."""
    browsed = _named_apart(db.statement("features/browsed.sql", whom="true"), "browsed")
    text = db.statement(
        "features/from_facts.sql",
        as_of_date="%(as_of_date)s::date",
        whom="true",
        browsed=browsed,
        columns=COLUMNS,
    )
    return sqlglot.parse_one(text, read="postgres")


def _named_apart(text: str, prefix: str) -> str:
    """A statement whose common table expressions have a name before theirs: SQLGlot brings all to the top."""
    tree = sqlglot.parse_one(text, read="postgres")
    names = {cte.alias for cte in tree.ctes}
    for cte in tree.ctes:
        cte.args["alias"].set("this", exp.to_identifier(f"{prefix}_{cte.alias}"))
    for table in tree.find_all(exp.Table):
        if table.name in names and not table.db:
            table.set("this", exp.to_identifier(f"{prefix}_{table.name}"))
    return tree.sql("postgres")


def expressions_by_name() -> dict[str, dict[str, str]]:
    """The features' expressions: of `features.yaml`, and in Spark's dialect."""
    return {
        feature.name: {"expression": feature.expression, "spark": _expression(feature)}
        for feature in dictionary.dictionary()
    }


def _expressions() -> str:
    head = "# Written by scripts/spark_sql.py from include/config/features.yaml: do not edit.\n"
    return head + yaml.safe_dump(expressions_by_name(), sort_keys=False, width=1000)


def _expression(feature: dictionary.Feature) -> str:
    text = f"({expressions.render(feature.expression)})::{feature.kind}"
    return _in_spark(sqlglot.parse_one(text, read="postgres")).sql("spark")


def _text(select: exp.Expression, source: str) -> str:
    head = f"-- Written by scripts/spark_sql.py from include/sql/{source}: do not edit.\n"
    return head + _in_spark(select).sql("spark", pretty=True, comments=False) + "\n"


# -------------------------------------------------------------------------- what SQLGlot leaves as it is


def _in_spark(tree: exp.Expression) -> exp.Expression:
    """The tree with what means something else in Spark put into its words."""
    return tree.transform(_node)


def _node(node: exp.Expression) -> exp.Expression:
    for rule in RULES:
        node = rule(node)
    return node


def _table(node: exp.Expression) -> exp.Expression:
    """A table of a schema is a view of this name: core.orders is core_orders."""
    if isinstance(node, exp.Table) and node.db:
        return exp.Table(this=exp.to_identifier(f"{node.db}_{node.name}"), alias=node.args.get("alias"))
    return node


def _infinity(node: exp.Expression) -> exp.Expression:
    """No date is infinite in Spark: the first and the last that it knows."""
    if isinstance(node, exp.Literal) and node.this in INFINITE:
        return exp.cast(exp.Literal.string(INFINITE[node.this]), "date")
    return node


def _days_between(node: exp.Expression) -> exp.Expression:
    """The difference of dates is a number of days; Spark's is an interval."""
    if isinstance(node, exp.Sub) and _is_date(node.left) and _is_date(node.right):
        return exp.Anonymous(this="DATEDIFF", expressions=[node.left, node.right])
    return node


def _is_date(node: exp.Expression) -> bool:
    node = node.unnest()
    if isinstance(node, exp.Window):
        return isinstance(node.this, exp.Lag) and _is_date(node.this.this)
    if isinstance(node, exp.Cast):
        return node.to.this == exp.DataType.Type.DATE
    return isinstance(node, exp.Column) and node.name in DATES


def _sign(node: exp.Expression) -> exp.Expression:
    """A sign is a whole number; Spark's is floating-point, and would make the amount so."""
    return exp.cast(node, "decimal(1, 0)") if isinstance(node, exp.Sign) else node


def _numeric(node: exp.Expression) -> exp.Expression:
    """A numeric without digits has them all; Spark's decimal would have ten, and no fraction."""
    if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.DECIMAL and not node.expressions:
        return exp.DataType.build("decimal(38, 15)")
    return node


def _row(node: exp.Expression) -> exp.Expression:
    """row(...)::text is made to be compared: as a row."""
    if isinstance(node, exp.Cast) and _is_call(node.this, "row"):
        return exp.Anonymous(this="STRUCT", expressions=node.this.expressions)
    return node


def _whole_row(node: exp.Expression) -> exp.Expression:
    """`s as raw` is the row of s, and `(raw).*` its columns."""
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Star):
        return _all_of(node.this.unnest().name)
    if not (isinstance(node, exp.Alias) and node.alias == RAW and isinstance(node.this, exp.Column)):
        return node
    if node.this.table or node.this.name == RAW:
        return node
    return exp.alias_(exp.Anonymous(this="STRUCT", expressions=[_all_of(node.this.name)]), RAW)


def _all_of(name: str) -> exp.Column:
    return exp.Column(this=exp.Star(), table=exp.to_identifier(name))


def _is_released(node: exp.Expression) -> exp.Expression:
    """The function's query in place of its call."""
    if isinstance(node, exp.Dot) and _is_call(node.expression, "is_released"):
        values = dict(zip(("of_table", "of_rule", "on_day"), node.expression.expressions, strict=True))
        query = sqlglot.parse_one(RELEASED.search((SQL / RELEASES).read_text())[1], read="postgres")
        called = query.transform(
            lambda one: values[one.name].copy() if isinstance(one, exp.Column) and one.name in values else one
        )
        return called.expressions[0].transform(_node)
    return node


def _nothing_selected(node: exp.Expression) -> exp.Expression:
    """Spark's exists wants a column."""
    if isinstance(node, exp.Select) and not node.expressions:
        node.set("expressions", [exp.Literal.number(1)])
    return node


def _day_of_week(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Extract) and node.name.upper() == "ISODOW":
        return exp.Extract(this=exp.var("DAYOFWEEK_ISO"), expression=node.expression)
    return node


def _no_offset(node: exp.Expression) -> exp.Expression:
    """`offset 0` tells Postgres to compute once a row; Spark has to be told nothing."""
    if isinstance(node, exp.Select) and node.args.get("offset"):
        node.set("offset", None)
    return node


def _cte(node: exp.Expression) -> exp.Expression:
    """A materialization is the affair of the planner of Postgres."""
    if isinstance(node, exp.CTE):
        node.set("materialized", None)
    return node


def _is_call(node: exp.Expression | None, name: str) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() == name


RULES = (
    _table, _infinity, _days_between, _sign, _numeric, _row, _whole_row, _is_released, _nothing_selected,
    _day_of_week, _no_offset, _cte,
)  # fmt: skip


def main() -> None:
    """Write every file; one that is written no longer is deleted."""
    written = dict(files())
    for name, text in written.items():
        (WRITTEN / name).write_text(text)
    for file in WRITTEN.iterdir():
        if file.name not in written:
            file.unlink()


if __name__ == "__main__":
    main()
