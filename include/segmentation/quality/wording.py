"""Results in words of the language in force: what a check is about, what was found, what was expected.

`language/checks/<language>.yaml` has the wording of each check, by the key that its result keeps; what is missing
there is in English. Words are made of the facts of a result; a result of before there were facts has its texts as
they were stored.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from segmentation import yaml_files
from segmentation.language import numbers, texts
from segmentation.language.texts import t
from segmentation.quality.figures import in_words, range_in_words

if TYPE_CHECKING:
    from segmentation.quality.history import Verdict
    from segmentation.quality.results import Result

Called = Callable[[str], str]
"""Name of a subject: the label of a feature, a row rule in words."""


def says(result: "Result", called: Called = str) -> str:
    """Subject of a check in words: share of rows with a customer, drift of spend in 30 days since 2024-02-22."""
    pattern = _words(texts.current())["checks"].get(result.wording or result.expectation)
    if pattern is None:
        return numbers.plain(result.expectation)
    facts = {name: f"{fact:,}" if isinstance(fact, int) else fact for name, fact in result.details.items()}
    return pattern.format_map(_Holes(facts, subject=called(result.subject or result.expectation)))


class _Holes(dict[str, Any]):
    """Values of a pattern; one that is not known is a dash."""

    def __missing__(self, name: str) -> str:
        return numbers.UNKNOWN


def observed(result: "Result | Verdict", called: Called = str) -> str:
    """The value found: 40.0 % (price_negative 160), or why there was nothing to judge."""
    facts = result.details
    if "not_judged" in facts:
        return t("not judged: {why}", why=t(facts["not_judged"]))
    if result.unit is None:
        return result.observed or numbers.UNKNOWN
    figure = in_words(result.value, result.unit)
    if "first_day" in facts:
        figure = t("{figure} (from {day} on), extracted again", figure=figure, day=facts["first_day"])
    if facts.get("differ_still"):
        figure = t("{figure}; {n} differ still", figure=figure, n=f"{facts['differ_still']:,}")
    notes = [f"{called(rule)} {rows:,}" for rule, rows in facts.get("rules", {}).items()]
    notes += [facts["note"]] if facts.get("note") else []
    return t("{figure} ({notes})", figure=figure, notes=t(", ").join(notes)) if notes else figure


def expected(result: "Result") -> str:
    """The value expected: at least 50.0 %."""
    if result.unit is None:
        return result.expected or numbers.UNKNOWN
    return range_in_words(result.least, result.most, result.unit)


def finding(result: "Result", called: Called = str) -> str:
    """An unmet expectation in a sentence."""
    phrases = _words(texts.current())["phrases"]
    rows = phrases["rows"].format(n=f"{result.failing_rows:,}") if result.failing_rows else ""
    return phrases["finding"].format(
        table=result.table_name,
        says=says(result, called),
        observed=observed(result, called) + rows,
        expected=expected(result),
    )


def word(name: str) -> str:
    """A gate, or a kind of alert, in the language in force."""
    return _words(texts.current())["words"].get(name, name)


def keys(language: str) -> set[str]:
    """The keys of all wordings of a language."""
    return set(_read(language).get("checks", {}))


@lru_cache(maxsize=4)
def _words(language: str) -> dict[str, dict[str, str]]:
    words = _read(texts.ENGLISH)
    return {part: {**entries, **_read(language).get(part, {})} for part, entries in words.items()}


def _read(language: str) -> dict[str, dict[str, str]]:
    file = texts.TEXTS / "checks" / f"{language}.yaml"
    return yaml_files.parse(file.read_text(encoding="utf-8")) if file.exists() else {}
