"""The field's words: docstrings begin with a noun or a verb, and retired terms stay retired."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import jinja2
from jinja2 import nodes

ROOT = Path(__file__).parents[1]
HOUSE, BENCHMARKS = ROOT / "include" / "segmentation", ROOT / "benchmarks"
CODE = [
    file
    for folder in ("include/segmentation", "dags", "plugins", "scripts", "benchmarks")
    for file in sorted((ROOT / folder).rglob("*.py"))
]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
QUESTIONS = re.compile(r"(What|Whether|That|Who|How|Which|Why|When|Where|Is|Are|Does|Since|Until)\b")
RETIRED = re.compile(r"\b(outlook|foresight|lessons?|judged rows|halves|renewal|textbook|strangers?)\b")
# names that say how a thing was come by, and not what it is
BARE = re.compile(
    r"_*(told|found|said|known|wish|given|asked|seen|made|kept|taken|got|wanted)_*", re.IGNORECASE
)
ALLOWED = {
    "segments/bounds.py": {"known": "beside `unknown`, and a key of `segments.segment_rules.bounds`"},
    "spark/facts.py": {"kept": "a column of `core.row_counts`"},
    "sources/files.py": {"said": "a column of `files.landed`"},
    "sources/inspect.py": {"said": "a key of `inspect --json`"},
}
# modules that read old names
OLD_NAMES = {
    f"include/segmentation/modelling/representations/{name}" for name in ("__init__.py", "forecast.py")
}


def docstrings(file: Path) -> Iterator[tuple[int, str]]:
    """Line and text of each docstring of a module, its classes and functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text


def identifiers(file: Path) -> Iterator[tuple[int, str]]:
    """Line and name of each variable, parameter, function and class of a module."""
    for node in ast.walk(ast.parse(file.read_text())):
        for field in ("id", "arg", "name", "attr"):
            name = getattr(node, field, None)
            if isinstance(name, str):
                yield getattr(node, "lineno", 1), name


def test_docstrings_begin_with_a_noun_or_a_verb():
    texts = [(file, line, text) for file in (*CODE, *TESTS) for line, text in docstrings(file)]
    assert len(texts) > 1000
    questions = [
        f"{file.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for file, line, text in texts
        if QUESTIONS.match(text)
    ]
    assert questions == []


def test_retired_terms_name_nothing_any_more():
    names = [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file in CODE
        if str(file.relative_to(ROOT)) not in OLD_NAMES
        for line, name in identifiers(file)
        if RETIRED.search(name.lower().replace("_", " "))
    ]
    assert names == []


def names_given(file: Path) -> Iterator[tuple[int, str]]:
    """Line and name of each variable, parameter, function and class that a module names."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.ExceptHandler(name=str(name)) | ast.alias(asname=str(name)):
                yield node.lineno, name


def test_a_name_says_what_a_thing_is_and_not_how_it_was_come_by():
    bare, allowed = [], set()
    for file in (one for one in CODE if BENCHMARKS not in one.parents):
        place = str(file.relative_to(HOUSE if HOUSE in file.parents else ROOT))
        for line, name in names_given(file):
            if name in ALLOWED.get(place, ()):
                allowed.add((place, name))
            elif BARE.fullmatch(name):
                bare.append(f"{place}:{line}: {name}")
    assert bare == []
    assert allowed == {(place, name) for place, names in ALLOWED.items() for name in names}, (
        "an entry is over"
    )


def names_in_template(file: Path) -> set[str]:
    """The variables of a template: those that it sets, and those that it is given."""
    return {
        name.name for name in jinja2.Environment(autoescape=True).parse(file.read_text()).find_all(nodes.Name)
    }


def test_templates_and_statements_are_named_as_the_code_is():
    templates, statements = sorted(HOUSE.rglob("*.j2")), sorted((ROOT / "include" / "sql").rglob("*.sql"))
    assert len(templates) > 50
    assert len(statements) > 150
    bare = [
        f"{file.name}: {name}"
        for file in templates
        for name in names_in_template(file)
        if BARE.fullmatch(name)
    ]
    bare += [str(file.relative_to(ROOT)) for file in statements if BARE.fullmatch(file.stem)]
    assert bare == []
