"""How a file writes its numbers and dates, decided by evidence in the whole column.

Every batch is looked at on its way into the database; what was seen is added up here. A comma in `1.234,56`
or `12,5` can only be a decimal mark, `1,234` tells nothing; `13/12/2010` can only be day before month,
`3/4/2010` tells nothing. What nothing in the file tells is refused, with the setting that decides.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from segmentation.errors import SourceError
from segmentation.settings import File
from segmentation.sources.transactions.columns import NUMBERS

if TYPE_CHECKING:
    import pyarrow as pa

Order = Literal["dmy", "mdy", "ymd"]
Clock = Literal["text", "epoch", "epoch_ms", "serial"]

MOST = 0.99  # of the values must be written one way; the others are then unreadable
SORTED_DAYS = (
    20  # a file that is in order of its days under one reading only: at least so many different days
)

# What systems write where there is nothing; in dates and numbers also a dash, NA, and the zero date of MySQL.
NOTHING = r"(?i)^(?:null|nan|nat|none|nil|n/a|#n/a|\\n|<na>|\(null\))$"
NO_FIGURE = r"(?i)^(?:-{1,3}|na|\.|0000-00-00(?:[ T]00:00:00(?:\.0+)?)?)$"
PLAIN = r"^-?[0-9]+(\.[0-9]{1,2})?$"
NUMBER = (
    r"^(?P<before>[-−(+]?)\s*(?P<symbol>[A-Za-z]{2,3}\b|\p{Sc})?\s*(?P<inner>[-−+]?)\s*"
    r"(?P<digits>[0-9][0-9.,'’\s\x{a0}\x{202f}]*(?:[eE][-+]?[0-9]+)?|[.,][0-9]+)\s*"
    r"(?P<unit>[A-Za-z]{2,3}|\p{Sc}|%)?\s*(?P<after>[-−)]?)$"
)
SURE = {  # what is a number with this decimal mark only
    mark: rf"^(?:[0-9]*{m}[0-9]{{1,2}}|[0-9]*{m}[0-9]{{4,}}|(?:[0-9]{{4,}}|0){m}[0-9]+"
    rf"|[0-9]{{1,3}}(?:{o}[0-9]{{3}})+{m}[0-9]+|[0-9]{{1,3}}(?:{o}[0-9]{{3}}){{2,}})$"
    for mark, m, o in ((",", ",", r"\."), (".", r"\.", ","))
}
UNSURE = r"^[1-9][0-9]{0,2}[.,][0-9]{3}$"
CODES = {"$": "USD", "€": "EUR", "£": "GBP", "₽": "RUB", "₹": "INR", "zł": "PLN"}

TRIPLE = (
    r"^(?P<a>[0-9]{1,2})(?P<mark>[-/. ])\s?(?P<b>[0-9]{1,2})[-/. ]\s?(?P<c>[0-9]{4}|[0-9]{2})(?:[^0-9]|$)"
)
CLOCKS: dict[Clock, str] = {
    "epoch": r"^[0-9]{9,10}(?:\.[0-9]+)?$",
    "epoch_ms": r"^[0-9]{12,13}$",
    "serial": r"^[2-6][0-9]{4}(?:\.[0-9]+)?$",
}
LOCALES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "nb", "fi", "cs", "ru", "tr")
FILLERS = {"um", "uhr", "at", "de", "del", "à", "alle", "o", "kl", "om", "г"}
KNOWN_WORDS = {"t", "z", "am", "pm", "utc", "gmt"}
MOST_WORDS = 300


@dataclass
class Numbers:
    """How the numbers of a file are written, over all its columns of numbers."""

    told: str | None
    sure: Counter = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)
    unsure: int = 0
    currencies: Counter = field(default_factory=Counter)
    percents: int = 0

    def read(self, role: str, column: "pa.Array", lines: np.ndarray) -> "pa.Array":
        """Numbers bare of currency and blanks, with a minus in front; what is none stays as it is."""
        import pyarrow.compute as pc

        plain = pc.match_substring_regex(column, PLAIN)
        if pc.all(plain).as_py():
            self._count(column, lines)
            return column
        parts = pc.extract_regex(column, NUMBER)
        digits = pc.replace_substring_regex(pc.struct_field(parts, "digits"), r"['’\s\x{a0}\x{202f}]", "")
        signs = pc.binary_join_element_wise(
            *(pc.struct_field(parts, n) for n in ("before", "inner", "after")), ""
        )
        negative = pc.match_substring_regex(signs, "[-−(]")
        self._count(digits, lines)
        if role == "discount":
            self.percents += pc.sum(pc.equal(pc.struct_field(parts, "unit"), "%")).as_py() or 0
        else:
            for name in ("symbol", "unit"):
                self._count_currencies(pc.struct_field(parts, name))
        signed = pc.binary_join_element_wise(pc.if_else(negative, "-", ""), digits, "")
        return pc.coalesce(signed, column)

    def _count(self, digits: "pa.Array", lines: np.ndarray) -> None:
        import pyarrow.compute as pc

        bare = pc.utf8_ltrim(digits, "-")
        for mark, pattern in SURE.items():
            found = pc.fill_null(pc.match_substring_regex(bare, pattern), False).to_numpy(
                zero_copy_only=False
            )
            if count := int(found.sum()):
                self.sure[mark] += count
                self.first.setdefault(mark, int(lines[found.argmax()]))
        found = pc.fill_null(pc.match_substring_regex(bare, UNSURE), False).to_numpy(zero_copy_only=False)
        self.unsure += int(found.sum())
        if found.any():
            self.first.setdefault("unsure", int(lines[found.argmax()]))

    def _count_currencies(self, symbols: "pa.Array") -> None:
        for found in symbols.value_counts().to_pylist():
            if found["values"]:
                code = CODES.get(found["values"], found["values"].upper())
                if re.fullmatch("[A-Z]{3}", code):
                    self.currencies[code] += found["counts"]

    def decimal(self, file: str) -> str:
        """The decimal mark.

        Raises
        ------
        SourceError
            When the file does not tell, or tells both.
        """
        if self.told:
            return self.told
        total = sum(self.sure.values())
        if not total:
            if self.unsure:
                raise SourceError(
                    f"{file}: line {self.first['unsure']}: 1,234 or 1.234 may be a thousand or little more "
                    "than one, and no number in the file tells: say DECIMAL=. or DECIMAL=,"
                )
            return "."
        mark, count = self.sure.most_common(1)[0]
        if count < MOST * total:
            point, comma = self.first["."], self.first[","]
            raise SourceError(
                f"{file}: numbers are written in two ways: with a decimal point (first in line {point}) "
                f"and with a decimal comma (first in line {comma}); say which is right: DECIMAL=. or ,"
            )
        return mark

    def currency(self) -> str | None:
        """The one currency that stands beside the numbers, or None."""
        return next(iter(self.currencies)) if len(self.currencies) == 1 else None


@dataclass
class Dates:
    """How the dates of a file are written."""

    told: Order | None
    total: int = 0
    clocks: Counter = field(default_factory=Counter)
    triples: int = 0
    short_years: int = 0
    dotted: int = 0
    sure: Counter = field(default_factory=Counter)  # by order, what can be read in no other
    first: dict[str, int] = field(default_factory=dict)
    differing: int = 0  # can be read in two ways, and mean two days
    days: dict[str, set] = field(default_factory=lambda: {"dmy": set(), "mdy": set()})
    last: dict[str, tuple[int, int]] = field(
        default_factory=dict
    )  # by order: first and last day of the batches
    is_rising: dict[str, bool] = field(default_factory=lambda: {"dmy": True, "mdy": True})
    is_falling: dict[str, bool] = field(default_factory=lambda: {"dmy": True, "mdy": True})

    def read(self, column: "pa.Array", lines: np.ndarray) -> "pa.Array":
        """Dates with the words that Postgres reads: English months, and T between date and time."""
        import pyarrow.compute as pc

        self.total += pc.sum(pc.not_equal(column, "")).as_py() or 0
        for clock, pattern in CLOCKS.items():
            self.clocks[clock] += pc.sum(pc.match_substring_regex(column, pattern)).as_py() or 0
        if pc.any(pc.match_substring_regex(column, r"^[0-9]{14}$")).as_py():
            column = pc.replace_substring_regex(column, r"^([0-9]{8})([0-9]{6})$", r"\1T\2")
        if pc.any(pc.match_substring_regex(column, r"[^-0-9/.:+ TZ]")).as_py():
            column = _in_english(column)
        self._count_triples(column, lines)
        return column

    def _count_triples(self, column: "pa.Array", lines: np.ndarray) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        parts = pc.extract_regex(column, TRIPLE)
        found = parts.is_valid().to_numpy(zero_copy_only=False)
        if not found.any():
            return
        lines, parts = lines[found], parts.drop_null()
        a, b, c = (pc.struct_field(parts, name).cast(pa.int32()).to_numpy() for name in "abc")
        self.triples += len(a)
        self.short_years += int((pc.utf8_length(pc.struct_field(parts, "c")).to_numpy() == 2).sum())
        self.dotted += pc.sum(pc.equal(pc.struct_field(parts, "mark"), ".")).as_py()
        evidence = {"ymd": a > 31, "dmy": (a > 12) & (a <= 31), "mdy": (b > 12) & (a <= 12)}
        for order, told in evidence.items():
            if count := int(told.sum()):
                self.sure[order] += count
                self.first.setdefault(order, int(lines[told.argmax()]))
        differs = (a <= 12) & (b <= 12) & (a != b)
        self.differing += int(differs.sum())
        if differs.any():
            self.first.setdefault("differing", int(lines[differs.argmax()]))
        for order, month, day in (("dmy", b, a), ("mdy", a, b)):
            self._follow(order, (c.astype(np.int64) * 100 + month) * 100 + day)

    def _follow(self, order: str, days: np.ndarray) -> None:
        """Whether the days so far rise, or fall, when read in this order."""
        if order in self.last:
            days = np.concatenate([[self.last[order]], days])
        self.last[order] = int(days[-1])
        steps = np.diff(days)
        self.is_rising[order] &= bool((steps >= 0).all())
        self.is_falling[order] &= bool((steps <= 0).all())
        if len(self.days[order]) <= SORTED_DAYS:
            self.days[order].update(np.unique(days)[: SORTED_DAYS + 1].tolist())

    def clock(self) -> Clock:
        """Whether the column holds texts, seconds or milliseconds since 1970, or days since 1900 (Excel)."""
        return next((c for c, n in self.clocks.items() if self.total and n >= MOST * self.total), "text")

    def order(self, file: str) -> tuple[Order, str]:
        """The order of day, month and year, and how that is known.

        Raises
        ------
        SourceError
            When the file does not tell, or tells both.
        """
        if self.told:
            return self.told, "as DATES= says"
        if not self.triples:
            return "ymd", ""
        total = sum(self.sure.values())
        if total:
            order, count = self.sure.most_common(1)[0]
            if count < MOST * total:
                lines = ", ".join(f"{_words(o)} in line {self.first[o]}" for o in sorted(self.sure))
                raise SourceError(
                    f"{file}: dates are written in two ways ({lines}); say which is right: DATES=dmy, mdy or "
                    "ymd"
                )
            return order, f"line {self.first[order]} can be nothing else"
        return self._by_custom(file)

    def _by_custom(self, file: str) -> tuple[Order, str]:
        """No date tells by itself: points between, else the order of the lines."""
        if not self.differing:
            return "dmy", "no date differs when read the other way"
        if self.dotted == self.triples and not self.short_years:
            return "dmy", "with points between, months never come first"
        in_order = [
            order
            for order in ("dmy", "mdy")
            if (self.is_rising[order] or self.is_falling[order]) and len(self.days[order]) > SORTED_DAYS
        ]
        if len(in_order) == 1:
            return in_order[0], "only so are the lines in order of time"  # type: ignore[return-value]
        raise SourceError(
            f"{file}: line {self.first['differing']}: 3/4 may be the third of April or the fourth of March, "
            "and no date in the file tells: say DATES=dmy or DATES=mdy (ymd: the year comes first)"
        )


def _words(order: str) -> str:
    return {"dmy": "day first", "mdy": "month first", "ymd": "year first"}[order]


@lru_cache(maxsize=1)
def _months() -> dict[str, str]:
    """The names of the months in several languages, lower case and without a point, to English."""
    from babel.dates import get_month_names

    english = get_month_names("abbreviated", locale="en")
    names: dict[str, str] = {}
    for locale in LOCALES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for month, name in get_month_names(width, context, locale).items():
                    names.setdefault(_bare(name), english[month])
    return names


@lru_cache(maxsize=1)
def _weekdays() -> frozenset[str]:
    """The names of the days of the week in several languages, lower case and without a point."""
    from babel.dates import get_day_names

    return frozenset(
        _bare(name)
        for locale in LOCALES
        for width in ("wide", "abbreviated", "short")
        for name in get_day_names(width, "format", locale).values()
    )


def _bare(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold().strip(".")


def _in_english(column: "pa.Array") -> "pa.Array":
    """Months in English, weekdays and fillers left out; a column with too many words holds no dates."""
    import pyarrow.compute as pc

    column = pc.replace_substring_regex(column, r"(\d)\s*[年月]\s*", r"\1-")
    column = pc.replace_substring_regex(column, r"(\d)日", r"\1 ")
    spelt = pc.replace_substring_regex(column, r"[^\p{L}]+", " ").unique().to_pylist()
    words = {word for text in spelt[:MOST_WORDS] if text for word in text.split()}
    for word in sorted(words, key=len, reverse=True):
        bare = _bare(word)
        month = _months().get(bare)
        pattern = rf"(^|[^\p{{L}}]){re.escape(word)}\.?($|[^\p{{L}}])"
        if bare in _weekdays() and not month:  # 'mar' is a Tuesday, but oftener March
            column = pc.replace_substring_regex(column, rf"^{re.escape(word)}\.?,?\s+", "")
        if bare in FILLERS:
            column = pc.replace_substring_regex(column, pattern, r"\1 \2")
        elif month and bare != month.lower() and bare not in KNOWN_WORDS:
            column = pc.replace_substring_regex(column, pattern, rf"\1{month}\2")
    column = pc.replace_substring_regex(column, r"(\d)\.\s*([A-Za-z])", r"\1 \2")  # 5. Jan
    return pc.utf8_trim_whitespace(column)


def _with_times(batch: "pa.Table") -> "pa.Table":
    """Days and times of day of two columns in one; a day that has a time already keeps it."""
    import pyarrow.compute as pc

    days = pc.replace_substring_regex(batch.column("ordered_at"), r"[ T]00:00:00(\.0+)?$", "")
    times = pc.utf8_trim_whitespace(batch.column("time_of_day"))
    both = pc.binary_join_element_wise(days, times, " ")
    alone = pc.or_(
        pc.match_substring_regex(days, r":|^[0-9]{9,}"), pc.or_(pc.equal(times, ""), pc.equal(days, ""))
    )
    place = batch.column_names.index("ordered_at")
    return batch.set_column(place, "ordered_at", pc.if_else(alone, days, both)).drop_columns("time_of_day")


def _empty(column: "pa.Array", pattern: str) -> "pa.Array":
    """Values that say that there is none, as none."""
    import pyarrow.compute as pc

    found = pc.match_substring_regex(column, pattern)
    return pc.if_else(found, "", column) if pc.any(found).as_py() else column


class Evidence:
    """Everything that the batches of a file told."""

    def __init__(self, told: File) -> None:
        self.numbers = Numbers(told.decimal)
        self.dates = Dates(told.dates)

    def read(self, batch: "pa.Table") -> "pa.Table":
        """The batch as it goes into the database."""
        import pyarrow.compute as pc

        lines = batch.column("line").to_numpy()
        if "time_of_day" in batch.column_names:
            batch = _with_times(batch)
        for place, role in enumerate(batch.column_names):
            if role == "line":
                continue
            column = batch.column(role).combine_chunks()
            column = pc.utf8_trim(column, " \t\r\n\v\f\u00a0\u202f\ufeff")
            column = _empty(column, NOTHING)
            if role in NUMBERS or role == "ordered_at":
                column = _empty(column, NO_FIGURE)
            if role in NUMBERS:
                column = self.numbers.read(role, column, lines)
            elif role == "ordered_at":
                column = self.dates.read(column, lines)
            batch = batch.set_column(place, role, column)
        return batch
