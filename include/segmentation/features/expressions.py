"""Expressions of features: refused when they are more than arithmetic over the building blocks."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from segmentation.features.blocks import BLOCKS

TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>\d+(?:\.\d+)?)(?![\w.])|(?P<word>[a-z_][a-z0-9_]*)|(?P<text>'[^'%{}\\]*')"
    r"|(?P<sign><=|>=|<>|\|\||[-+*/(),=<>])"
)
FUNCTIONS = (
    "abs", "ceil", "coalesce", "exp", "floor", "greatest", "least", "ln", "lower", "nullif", "power", "round",
    "sign", "sqrt", "upper",
)  # fmt: skip
KEYWORDS = ("and", "between", "case", "else", "end", "in", "is", "not", "null", "or", "then", "when")
VOCABULARY = (*BLOCKS, *FUNCTIONS, *KEYWORDS)


def check(expression: str) -> None:
    """Refuse what is no expression over the blocks.

    Raises
    ------
    ValueError
        Says what is wrong, and of an unknown name which one is near.
    """
    tokens = _tokens(expression)
    if not tokens:
        raise ValueError("the expression is empty")
    depth = 0
    for kind, text in tokens:
        if kind == "word" and text not in VOCABULARY:
            raise ValueError(f"the expression names {text!r}, which is no building block{_near(text)}")
        depth += {"(": 1, ")": -1}.get(text, 0)
        if depth < 0:
            break
    if depth:
        raise ValueError("the expression has a bracket without its partner")
    if not any(text in BLOCKS for _, text in tokens):
        raise ValueError("the expression is of no building block")


def render(expression: str) -> str:
    """The expression as it stands in SQL: blocks and numbers have their types.

    >>> render("lines / nullif(orders, 0)")
    'lines::double precision / nullif(orders::double precision, 0::double precision)'
    """
    return "".join(_typed(kind, text) for kind, text in _tokens(expression, with_space=True))


def poorest() -> str:
    """A select of one row: the blocks of a customer who has done no more than have one order."""
    return "select " + ", ".join(_least(name) for name in BLOCKS)


def columns(of: Iterable[tuple[str, str, str | None]]) -> str:
    r"""The columns of (name, type, expression); without an expression null.

    >>> columns([("pieces", "double precision", "units"), ("gone", "text", None)])
    'units::double precision::double precision as "pieces",\n    null::text as "gone"'
    """
    return ",\n    ".join(
        f"{_in_brackets(render(expression)) if expression else 'null'}::{kind} as {quoted(name)}"
        for name, kind, expression in of
    )


def quoted(name: str) -> str:
    """A name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def _in_brackets(sql: str) -> str:
    return sql if re.fullmatch(r"\w+::\w+( precision)?", sql) else f"({sql})"


def _typed(kind: str, text: str) -> str:
    if kind == "number":
        return f"{text}::double precision"
    return f"{text}::{BLOCKS[text].kind}" if text in BLOCKS else text


def _least(name: str) -> str:
    block = BLOCKS[name]
    value = "null" if block.least is None else f"'{block.least}'"
    return f"{value}::{block.kind} as {name}"


def _tokens(expression: str, *, with_space: bool = False) -> list[tuple[str, str]]:
    words, at = [], 0
    while at < len(expression):
        match = TOKEN.match(expression, at)
        if not match:
            raise ValueError(f"the expression has {expression[at]!r}, which is not understood there")
        kind = match.lastgroup or ""
        if with_space or kind != "space":
            words.append((kind, match.group()))
        at = match.end()
    return words


def _near(name: str) -> str:
    near = get_close_matches(name, VOCABULARY, n=1)
    return f"; did you mean {near[0]!r}?" if near else "; they are in include/segmentation/features/blocks.py"
