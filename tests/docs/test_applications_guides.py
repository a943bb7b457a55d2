"""The guides to the applications: their statements run, and their relations are there."""

import ast
import re
from pathlib import Path

import pytest

from segmentation.warehouse import db

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
