"""Dates that are none of this calendar, or have no year: refused with the word that decides."""

import re
from collections import Counter
from collections.abc import Iterable

from segmentation.errors import SourceError
from segmentation.language.texts import fact
from segmentation.sources.transactions import clock

MANY = 0.9  # of the dates look so
YEAR = re.compile(r"(?<!\d)(1[2-4]\d\d)(?:(?!\d)|(?=\d{4}(?!\d)))")
NO_YEAR = re.compile(r"\d{1,2}[-/. ]\d{1,2}[.]?|\d{3,4}")
FIRST_HIJRI = 1411  # years before are of the Persian calendar, in a shop of our days
PERSIAN, ISLAMIC, NO_YEARS = "Persian (Jalali)", "Islamic (Hijri)", "no year"


def refuse(texts: list[str], counts: Iterable[int], file: str) -> None:
    """Refuse a column of dates of another calendar, or without years.

    Raises
    ------
    SourceError
    """
    kinds: Counter = Counter()
    for text, count in zip(texts, counts, strict=True):
        if text:
            kinds[_kind(clock.normal(text))] += int(count)
    kind, count = kinds.most_common(1)[0] if kinds else (None, 0)
    if kind is None or count < MANY * sum(kinds.values()):
        return
    if kind == NO_YEARS:
        raise SourceError(
            fact("{file}: the dates have no year, so no day is known: export them with the year", file=file)
        )
    raise SourceError(
        fact(
            "{file}: the dates are of the {calendar} calendar, by their years: export them in the Gregorian one, as "
            "2024-01-31",
            file=file,
            calendar=fact(kind),
        )
    )


def _kind(text: str) -> str | None:
    """Kind of a text that is no date: of the Persian or the Islamic calendar, or without a year."""
    if match := YEAR.search(text):
        return PERSIAN if int(match[1]) < FIRST_HIJRI else ISLAMIC
    return NO_YEARS if NO_YEAR.fullmatch(text) else None
