"""Every text that people read is there in every language, with the same values in it."""

import ast
import shutil
import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import jinja2
import pytest
import yaml
from babel import UnknownLocaleError
from jinja2 import nodes

from scripts import new_language
from segmentation import applications, report
from segmentation.alerts import message
from segmentation.applications.campaigns import telling
from segmentation.applications.prices import wording as wording_of_prices
from segmentation.features import dictionary
from segmentation.language import numbers, texts
from segmentation.language.texts import fact, say, speaking, t
from segmentation.modelling import baseline
from segmentation.modelling.algorithms import declarations
from segmentation.modelling.forecasters.registry import FORECASTERS
from segmentation.quality import wording
from segmentation.quality.results import Result
from segmentation.report import charts, verdict, words
from segmentation.row_rules import RULES
from segmentation.segments import naming, vocabulary
from segmentation.sources.transactions import content, dates, stamps, textfile
from segmentation.sources.transactions import words as words_of_files
from segmentation.ui import reading, refusals, withdrawing

CODE = Path(texts.__file__).parents[1]
LANGUAGES = [file.stem for file in texts.TEXTS.glob("*.yaml")]


def in_python() -> Iterator[str]:
    """Texts given to t() in modules."""
    for file in CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("t", "fact") and node.args:
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
COUNTED += ("more feature", "date")


def by_name() -> Iterator[str]:
    """Texts that stand in tables of the code, and are given to t() from there."""
    for table in (words.MODELS, words.CONSTRAINTS, words.GROUPS, words.TIERS, verdict.MEANINGS):
        yield from table.values()
    yield from (*words.REPRESENTATIONS.values(), reading.NOTHING)
    yield from (*refusals.HEADINGS.values(), *refusals.WHY.values())
    yield from (withdrawing.NO_RIGHT, withdrawing.FROM_ELSEWHERE)
    yield from {numbers.plain(rule) for rules in RULES.values() for rule in rules}
    yield from verdict.BECAME.values()
    yield from (*naming.TIERS.values(), *naming.STAGES)
    yield from COUNTED
    yield baseline.NAME
    yield from (*stamps.ORDERS.values(), *(stamp.words for stamp in stamps.STAMPS), *textfile.TELL.values())
    yield from (*dates.FIRST.values(), *(words for _, *kind in content.OTHER_KINDS for words in kind))
    yield from (words for _, kind in content.OF_BYTES for words in kind)
    yield from words_of_files.WHAT.values()
    yield from (name for _, name in (charts.ACROSS, *charts.UP))
    yield from (heading for _, heading in report.SECTIONS)
    yield from (application.heading for application in applications.registered())
    for table in (telling.STATES, telling.CONCLUSIONS, telling.DIFFERENCES):
        yield from table.values()
    yield from (*wording_of_prices.LEVELS.values(), *wording_of_prices.REASONS.values())
    yield from (entry.title for entry in FORECASTERS.values())
    yield from (*verdict.FAR_ABOVE, *verdict.FAR_BELOW, *numbers.WEEKDAYS)
    for _, heading, meaning in words.SCORES:
        yield from (heading, meaning)
    for feature in dictionary.dictionary():
        yield from (feature.label, feature.unit, *filter(None, (feature.high, feature.low)))
    yield from {numbers.plain(feature.group).capitalize() for feature in dictionary.dictionary()} - {"Rfm"}


SUITES = ast.Module(
    [
        node
        for file in sorted(
            (
                *CODE.rglob("expectations.py"),
                *CODE.glob("applications/*/gate.py"),
                CODE / "quality" / "builder.py",
            )
        )
        for node in ast.parse(file.read_text()).body
    ],
    [],
)


def of_the_checks() -> Iterator[str]:
    """The keys of the wordings of the checks, where the code has them as they are."""
    yield from ("customers_reread", "newest_day_orders", "repaired", "columns_unfit")
    for call in ast.walk(SUITES):
        if isinstance(call, ast.For):
            yield from (c.value for c in ast.walk(call.iter) if isinstance(c, ast.Constant))
        if not isinstance(call, ast.Call):
            continue
        what = getattr(call.func, "attr", "")
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        if what in ("figure", "share"):
            about = named.get("worded") or named.get("family") or call.args[0]
            about = [about.body, about.orelse] if isinstance(about, ast.IfExp) else [about]
            yield from (one.value for one in about if isinstance(one, ast.Constant))
        elif what == "keys":
            yield from (f"{one.value}_present_share" for one in call.args if one.value != "id")
            yield from (one.value for one in named.values())
        elif what == "volume":
            yield call.args[0].value


def why_not_judged() -> Iterator[str]:
    """Reasons that there is nothing to judge, where no number is in them."""
    for node in ast.walk(SUITES):
        named = node.arg if isinstance(node, ast.keyword) else ""
        if isinstance(node, ast.Assign):
            named = getattr(node.targets[0], "id", "")
        if named in ("unless", "few"):
            yield from (c.value for c in ast.walk(node.value) if isinstance(c, ast.Constant) and c.value)


def holes(text: str) -> set[str]:
    return {name.split(":")[0] for _, name, _, _ in string.Formatter().parse(text) if name is not None}


NEUTRAL = {"nats", "h", "JSON", "XML"}


def test_fact_is_worded_when_it_is_read():
    part = fact("days are counted in {zone}", zone="UTC")
    told = fact("times are {zone}; {counted}", zone="GMT", counted=part)
    assert told == "times are GMT; days are counted in UTC"
    with speaking("zh"):
        assert say(told) == t(told.pattern, zone="GMT", counted=t(part.pattern, zone="UTC")) != told
    assert say("as it is") == "as it is"


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_is_there_in_every_language(code):
    there = texts.texts(code)
    wanted = {*in_python(), *in_templates(), *by_name()} - NEUTRAL
    assert len(wanted) > 200
    assert sorted(wanted - set(there)) == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_algorithm_has_a_title_in_every_language(code):
    titles = {name: declaration.titles for name, declaration in declarations().items()}
    assert [n for n, told in titles.items() if code not in told and told["en"] not in texts.texts(code)] == []


def test_algorithm_is_called_as_the_language_calls_it():
    titles = declarations()["gower"].titles
    with speaking("zh"):
        assert words.algorithm("gower") == titles["zh"] != titles["en"]
    assert words.algorithm("gower") == titles["en"]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_check_has_a_name_in_every_language(code):
    names = {*of_the_checks()}
    assert len(names) > 50
    for language in (texts.ENGLISH, code):
        assert sorted(names - wording.keys(language)) == []
    # made of the name of a column, and what results of before are called
    made = {"price_factor", "quantity_factor", "id_present_share", "newest_day_rows"}
    assert wording.keys(texts.ENGLISH) - names <= made | {"rows_reread_since", "known_status_share"}
    whys = {text for text in why_not_judged() if isinstance(text, str)}
    assert len(whys) > 12
    assert sorted(whys - {"changed_share", "year_factor"} - set(texts.texts(code))) == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_checks_are_worded_with_the_same_facts_in_every_language(code):
    english, other = (wording._words(language)["checks"] for language in (texts.ENGLISH, code))
    assert english.keys() == other.keys()
    assert {key for key in english if holes(english[key]) != holes(other[key])} == set()


def test_check_is_worded_without_a_word_of_another_language():
    subject = {
        "drift": "spend_365d",
        "known": "spend_365d",
        "outside": "spend_365d",
        "rule": "price_negative",
    }
    with speaking("zh"):
        for family, about in subject.items():
            result = Result("features", "t", f"{family}_x", "info", True, family, about, wording=family)
            assert not any("a" <= letter <= "z" for letter in words.check(result)), family
        judged = Result("sources", "orders", "newest_age_days", "info", True, value=5, unit="days", most=3)
        assert (words.observed(judged), words.expected(judged)) == ("5 天", "至多 3 天")
        assert words.observed(replace(judged, details={"not_judged": "no rows"})) == "未判断：没有行"


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_text_has_no_value_that_the_english_one_has_not(code):
    allowed = {"m"}  # a month has a name and a number
    wrong = {text: said for text, said in texts.texts(code).items() if holes(said) - holes(text) - allowed}
    assert wrong == {}


def test_language_lacks_a_file_until_it_is_begun(tmp_path, monkeypatch):
    shutil.copytree(texts.TEXTS, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(texts, "TEXTS", tmp_path)
    with pytest.raises(ValueError, match=r"'cy' is no language that there are texts in \(en, .*zh\)"):
        texts.known_language("cy")
    with pytest.raises(UnknownLocaleError):
        new_language.begin("xx", tmp_path)
    new_language.begin("cy", tmp_path)
    assert {"en", "cy", "zh"} <= {*texts.languages()}
    assert texts.known_language("cy") == "cy"
    with pytest.raises(FileExistsError):
        new_language.begin("cy", tmp_path)


def test_what_a_language_lacks_is_in_english():
    with speaking("eo"):
        assert (t("Customers"), numbers.compact(5_453_256, "EUR")) == ("Customers", "€5.45M")
        assert vocabulary.text_of("champions") == "Champions"
        assert wording.word("features") == "features"
    alert = message.Alert("no_data", "corner", date(2025, 6, 1), None)
    assert message.render(alert, "eo") == message.render(alert, "en")


def test_numbers_dates_and_counts_as_a_language_writes_them():
    with speaking("zh"):
        assert numbers.day(date(2025, 6, 1)) == "2025年6月1日"
        assert numbers.count(3, "customer") == "3 位客户"
        assert numbers.compact(5_453_256, "CNY") == "¥545万"
        assert t("no such text") == "no such text"
    assert numbers.compact(5_453_256, "EUR") == "€5.45M"
    assert numbers.compact(641_310, "GBP") == "£641k"
    assert (numbers.change(120, 100), numbers.change(5, None)) == ("+20%", numbers.UNKNOWN)
    assert t("Customers") == "Customers"


# amount, currency, digits asked for, in English, in Chinese
AMOUNTS = [
    pytest.param(8_421_300.4, "GBP", 0, "£8,421,300", "£8,421,300", id="pounds"),
    pytest.param(-0.4, "EUR", 0, "€0", "€0", id="nothing is not minus nothing"),
    pytest.param(-1234.5, "CNY", 2, "−CN¥1,234.50", "−¥1,234.50", id="yuan at home and abroad"),
    pytest.param(1234.0, "JPY", 2, "¥1,234", "JP¥1,234", id="yen have no cents"),
    pytest.param(9.99, "USD", 2, "$9.99", "US$9.99", id="dollars, of which there are many"),
    pytest.param(410, "CHF", 0, "410 CHF", "410 CHF", id="letters stand behind"),
    pytest.param(410, "points", 0, "410 points", "410 points", id="a currency of the shop's own"),
    pytest.param(410, None, 2, "410.00", "410.00", id="none"),
]


@pytest.mark.parametrize(("amount", "currency", "digits", "english", "chinese"), AMOUNTS)
def test_money_is_written_as_the_language_and_the_currency_want_it(
    amount, currency, digits, english, chinese
):
    assert numbers.money(amount, currency, digits) == english
    with speaking("zh"):
        assert numbers.money(amount, currency, digits) == chinese


@pytest.mark.parametrize(
    ("html", "set_as"),
    [
        ("<strong>回馈。</strong> 主动感谢", "<strong>回馈。</strong>主动感谢"),
        ('至少 11（或未知） <span class="muted">（覆盖', '至少 11（或未知）<span class="muted">（覆盖'),
        ("时机： 通过 web，周日", "时机：通过 web，周日"),
        ("<p>一。</p>\n<p>二。</p>", "<p>一。</p>\n<p>二。</p>"),
        ("<td>一，</td> <td>二</td>", "<td>一，</td> <td>二</td>"),
        ("11 天 (55%)", "11 天 (55%)"),
    ],
)
def test_no_blank_stands_beside_a_mark_as_wide_as_a_letter(html, set_as):
    with speaking("zh"):
        assert texts.typeset(html) == set_as
    assert texts.typeset(html) == html


class Once(yaml.SafeLoader):
    """Mappings in which no key is there twice: of two, the first would be lost without a word."""


def _once(loader: Once, node: yaml.MappingNode) -> dict:
    keys = [loader.construct_object(key) for key, _ in node.value]
    assert len(keys) == len(set(keys)), {key for key in keys if keys.count(key) > 1}
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


Once.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _once)


@pytest.mark.parametrize(
    "file", sorted(texts.TEXTS.rglob("*.yaml")), ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_no_text_is_there_twice(file):
    assert yaml.load(file.read_text(encoding="utf-8"), Once)  # noqa: S506 (a safe one)
