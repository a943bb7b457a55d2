"""The guides to the applications: their statements run, and their relations are there."""

import ast
import re
from pathlib import Path

import pytest

from segmentation.warehouse import db

EXAMPLES = Path(__file__).parents[2] / "docs" / "applications" / "examples.md"
GUIDES = sorted((Path(__file__).parents[2] / "docs" / "applications").glob("*.md"))


def test_there_are_guides():
    assert GUIDES


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_its_statements_run_and_its_relations_are_there(warehouse, guide):
    text = guide.read_text()
    for block in re.findall(r"```sql\n(.*?)```", text, re.DOTALL):
        for statement in re.sub(r"--.*", "", block).split(";"):
            if statement.strip():
                db.rows(warehouse, statement)
    for relation in set(re.findall(r"`(segments\.\w+)`", text)):
        assert db.scalar(warehouse, f"select to_regclass('{relation}')") is not None, relation


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_its_python_is_python(guide):
    for block in re.findall(r"```python\n(.*?)```", guide.read_text(), re.DOTALL):
        ast.parse(block)


def test_the_examples_run_as_they_are_written(warehouse_db, tmp_path, monkeypatch, capsys):
    """On a warehouse in which nothing is published yet: the code runs, and says that there is nothing."""
    monkeypatch.chdir(tmp_path)
    user, host, name = (warehouse_db.params[key] for key in ("user", "host", "dbname"))
    password = warehouse_db.params.get("password", "")
    url = f"postgresql+psycopg2://{user}:{password}@/{name}?host={host}"
    monkeypatch.setenv("WAREHOUSE_URL", url)
    blocks = re.findall(r"```python\n(.*?)```", EXAMPLES.read_text(), re.DOTALL)
    known: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, EXAMPLES.name, "exec"), known)  # noqa: S102 (our own page)
    assert len(blocks) == 5
    assert (tmp_path / "churners.csv").read_text() == "customer_id,churn_risk,money_at_risk,next_order_on\n"
    assert "not over yet" in capsys.readouterr().out
