"""Spark runs what Postgres runs: `include/spark_sql` is what would be written of `include/sql` now."""

import pytest
import sqlglot
from sqlglot import exp

from scripts import spark_sql
from segmentation.features import dictionary
from segmentation.warehouse import db

FILES = dict(spark_sql.files())


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_what_would_be_written_now(name):
    assert (spark_sql.WRITTEN / name).read_text() == FILES[name], "run `python scripts/spark_sql.py`"


def test_no_other_file_is_there():
    assert {file.name for file in spark_sql.WRITTEN.iterdir()} == FILES.keys()


def test_every_feature_has_its_expression():
    assert [feature.name for feature in dictionary.dictionary()] == list(spark_sql.expressions_by_name())


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".sql")])
def test_nothing_of_postgres_is_left(name):
    """SQLGlot leaves what it does not know as it is; a cast to `decimal` would have ten digits."""
    tree = sqlglot.parse_one(FILES[name].replace("{{ columns }}", "1 AS x"), read="spark")
    assert not [table.sql() for table in tree.find_all(exp.Table) if table.db]
    assert not [kind.sql() for kind in tree.find_all(exp.DataType) if kind.sql("spark") == "DECIMAL"]
    assert "infinity" not in FILES[name]


def test_a_statement_that_fills_nothing_known_is_refused(monkeypatch):
    monkeypatch.setattr(db, "statement", lambda *_, **__: "create temp table other as select 1 as one")
    with pytest.raises(SystemExit, match=r"core/customers.sql: no statement fills core, judged, quarantine"):
        spark_sql.row_rules("customers")
