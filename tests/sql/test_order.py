"""Rows that are read one after the other come in an order that somebody has said.

Without `order by` a server may return them in another order after an update, a vacuum or an upgrade. Where
the order means nothing the call says so: `# any order: why`, in its lines or in the line before.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

INCLUDE = Path(__file__).parents[2] / "include"
READING = ("rows", "read_frame", "read_table", "read_numbers")
MARK = "# any order: "


def reads(source: str) -> Iterator[tuple[int, str, str]]:
    """Each read of many rows: its line, its text with the line before, its statement where it is known."""
    lines = source.splitlines()
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        known = {
            target.id: text_of(node.value, {})
            for node in (*tree.body, *ast.walk(function))
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"db.{name}" for name in READING}:
                text = "\n".join(lines[node.lineno - 2 : node.end_lineno])
                yield node.lineno, text, text_of(node.args[1], known)


def text_of(node: ast.AST, known: dict[str, str]) -> str:
    """The text of a statement: a literal, a name for one, or the file that `db.statement` reads."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(text_of(part, known) for part in parts)
        case ast.Name(id=name):
            return known.get(name, "")
        case ast.Call(func=ast.Attribute(attr="format", value=value)):
            return text_of(value, known)
        case ast.Call(func=ast.Attribute(attr="statement"), args=[file, *_]):
            name = text_of(file, known)
            found = [INCLUDE / "sql" / name] if isinstance(file, ast.Constant) else files_like(file)
            return min((one.read_text() for one in found), key=is_ordered, default="")
    return ""


def files_like(name: ast.AST) -> list[Path]:
    """The files of a folder whose name is put together: any of them may be meant."""
    folder = text_of(name, {}).partition("/")[0]
    return sorted((INCLUDE / "sql" / folder).glob("*.sql")) if folder else []


def is_ordered(statement: str) -> bool:
    """True where the outermost select has an order."""
    flat = " ".join(re.sub(r"--[^\n]*", "", statement).split())
    depth = 0
    for place, letter in enumerate(flat):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0 and flat.startswith("order by", place):
            return True
    return False


@pytest.mark.parametrize("file", sorted((INCLUDE / "segmentation").rglob("*.py")), ids=lambda f: f.stem)
def test_rows_that_are_read_have_an_order(file):
    for line, text, statement in reads(file.read_text()):
        assert MARK in text or is_ordered(statement), f"{file.name}:{line}: no order by, and no '{MARK}why'"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ('def f(conn):\n    return db.rows(conn, "select a from t")', [False]),
        ('def f(conn):\n    return db.rows(conn, "select a from t order by a")', [True]),
        (
            'def f(conn):\n    q = "select a from (select b from t order by b) as s"\n    db.rows(conn, q)',
            [False],
        ),
        ('def f(conn):\n    db.read_frame(conn, db.statement("runs/dead.sql"))', [False]),
        ('def f(conn):\n    db.rows(conn, db.statement("operations/expired.sql"))', [True]),
        ("def f(conn):\n    db.rows(conn, unknown)", [False]),
    ],
)
def test_the_check_sees_what_has_no_order(source, says):
    assert [is_ordered(statement) for _, _, statement in reads(source)] == says
