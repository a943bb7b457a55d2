"""Every text that people read is there in every language, with the same values in it."""

import ast
import string
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

from segmentation import features, language, naming, report
from segmentation.language import speaking, t
from segmentation.report import charts, verdict, words

CODE = Path(language.__file__).parent
LANGUAGES = [file.stem for file in language.TEXTS.glob("*.yaml")]


def in_python() -> Iterator[str]:
    """Texts given to t() in modules."""
    for file in CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "t" and node.args:
                first = node.args[0]
                for one in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
                    if isinstance(one, ast.Constant):
                        yield one.value


def in_templates() -> Iterator[str]:
    """Texts given to t() in templates."""
    environment = jinja2.Environment(autoescape=True)
    for file in CODE.rglob("*.html.j2"):
        for call in environment.parse(file.read_text()).find_all(nodes.Call):
            if getattr(call.node, "name", "") != "t":
                continue
            first = call.args[0]
            for one in (first.expr1, first.expr2) if isinstance(first, nodes.CondExpr) else (first,):
                if isinstance(one, nodes.Const):
                    yield one.value


COUNTED = ("customer", "segment", "candidate", "thing", "expectation", "quality check")
COUNTED += ("more feature", "more candidate")


def by_name() -> Iterator[str]:
    """Texts that stand in tables of the code, and are given to t() from there."""
    for table in (words.ALGORITHMS, words.GATES, words.GROUPS, words.TIERS, verdict.MEANINGS, verdict.SIGNS):
        yield from table.values()
    yield from verdict.BECAME.values()
    yield from (*naming.TIERS.values(), *naming.STAGES)
    yield from COUNTED
    yield from (name for _, name in (charts.ACROSS, *charts.UP))
    yield from (heading for _, heading in report.SECTIONS)
    yield from (*verdict.FAR_ABOVE, *verdict.FAR_BELOW, *words.WEEKDAYS)
    for _, heading, meaning in words.SCORES:
        yield from (heading, meaning)
    for feature in features.dictionary():
        yield from (feature.label, feature.unit, *filter(None, (feature.high, feature.low)))
    yield from {words.plain(feature.group).capitalize() for feature in features.dictionary()} - {"Rfm"}


def holes(text: str) -> set[str]:
    return {name.split(":")[0] for _, name, _, _ in string.Formatter().parse(text) if name is not None}


NEUTRAL = {"nats", "h"}


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_is_there_in_every_language(code):
    there = language.texts(code)
    wanted = {*in_python(), *in_templates(), *by_name()} - NEUTRAL
    assert len(wanted) > 200
    assert sorted(wanted - set(there)) == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_text_has_no_value_that_the_english_one_has_not(code):
    allowed = {"m"}  # a month has a name and a number
    wrong = {text: said for text, said in language.texts(code).items() if holes(said) - holes(text) - allowed}
    assert wrong == {}


def test_numbers_dates_and_counts_as_a_language_writes_them():
    with speaking("zh"):
        assert words.day(date(2025, 6, 1)) == "2025年6月1日"
        assert words.count(3, "customer") == "3 位客户"
        assert words.compact(5_453_256, "CNY") == "CN¥545万"
        assert t("no such text") == "no such text"
    assert words.compact(5_453_256, "EUR") == "€5.45M"
    assert words.compact(641_310, "GBP") == "£641k"
    assert (words.change(120, 100), words.change(5, None)) == ("+20%", words.UNKNOWN)
    assert t("Customers") == "Customers"
