"""Days out of texts: what a text may mean in each order of day, month and year."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

LOCALES = (
    "en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "nb", "fi", "cs", "sk", "ru", "uk", "bg",
    "sr",
    "tr", "el", "hu", "ro", "hr", "sl", "et", "lv", "lt", "ca", "id", "vi", "ar", "ar_SY", "he", "hi", "bn", "ta", "th",
    "de_AT", "fa", "ms", "fil", "ka", "kk", "is", "sq", "mk", "be", "sw", "af",
)  # fmt: skip
FILLERS = {
    "um", "uhr", "at", "de", "del", "of", "the", "den", "le", "à", "às", "as", "a", "las", "la", "alle", "ore", "o",
    "kl", "om", "г", "г.", "року", "поч", "р", "klo", "th", "st", "nd", "rd", "er", "º", "van", "dne", "ngày", "tháng",
    "năm", "godz", "в", "о", "ob", "jam", "pukul", "saat", "lúc", "στις",
}  # fmt: skip
CUT = 3  # letters of the name of a month
ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
NUMERIC = re.compile(r"^(\d{1,4})\s?([-/.\s\\_])\s?(\d{1,2})\s?[-/.\s\\_]\s?(\d{1,4})\.?$")
WEEK = re.compile(r"(?i)^(\d{4})-?W(\d{2})-?([1-7])$")
BUDDHIST, MINGUO = 543, 1911  # years ahead of, and behind, those of the common era
BUDDHIST_YEARS = (2443, 2642)
MARKS = r"\u0300-\u036f\u0591-\u05c7\u0610-\u065f\u0900-\u0dff\u0e31-\u0e4e\u200d"  # that stand on letters
WORD = rf"(?:[^\W\d_][{MARKS}]*(?:\.(?=[^\W\d_]))?)+"  # also มี.ค.
PERIOD = re.compile(
    r"(?i)(?:19|20)\d\d|(?:19|20)\d\d[-/.年]?\s?\d{1,2}月?|\d{1,2}[-/.](?:19|20)\d\d|\d{1,2}\s?(?:月|월)"
    r"|(?:Q[1-4]|[1-4]Q|KW\s?\d\d?|W\d\d?|CW\s?\d\d?)(?:[ /-]?(?:\d{4}|\d{2}))?|(?:19|20)\d\d[ -]?(?:Q[1-4]|W\d\d)"
)
COMPACT = re.compile(r"^(\d{7,8}|\d{5,6})(?:\.0+)?$")
ARABIC = [
    "يناير",
    "فبراير",
    "مارس",
    "أبريل",
    "مايو",
    "يونيو",
    "يوليو",
    "أغسطس",
    "سبتمبر",
    "أكتوبر",
    "نوفمبر",
    "ديسمبر",
]
WEEKDAYS = [
    "一", "二", "三", "四", "五", "六", "日", "天", "月", "火", "水", "木", "金", "土",
    "월", "화", "수", "목", "금", "토", "일",
]  # fmt: skip
MAIN = ("dmy", "mdy", "ymd")
OTHERS = ("ydm", "myd", "dym")  # nobody writes these, but files that nothing else fits
NO_DAY = np.iinfo(np.int32).min
UNKNOWN = -25_567  # 1900-01-01


@dataclass(frozen=True)
class Fields:
    """The three numbers of a text, as they stand, and how many figures each has; 0 figures: it is a month."""

    numbers: tuple[int, int, int]
    widths: tuple[int, int, int]
    mark: str = ""
    named: bool = False


def fields(text: str) -> Fields | None:
    """The numbers of a day; None when it is no day. A month in words is put second."""
    if match := WEEK.match(text):
        return _of_week(*map(int, match.groups()))
    if match := NUMERIC.match(_without_words(text)):
        parts = (match[1], match[3], match[4])
        return Fields(tuple(map(int, parts)), tuple(map(len, parts)), match[2])  # type: ignore[arg-type]
    if COMPACT.match(text):
        return None
    return _named(text)


def _of_week(year: int, week: int, day: int) -> Fields | None:
    """The day of an ISO week: 2024-W01-3."""
    try:
        of = date.fromisocalendar(year, week, day)
    except ValueError:
        return None
    return Fields((of.year, of.month, of.day), (4, 2, 2), "-")


def _without_words(text: str) -> str:
    """A day in figures without the day of the week before it, and without fillers."""
    words = re.findall(WORD, text)
    if not words or not all(bare(word) in weekdays() or word.casefold() in FILLERS for word in words):
        return text
    return re.sub(rf"[(（]?{WORD}\.?,?[)）]?", " ", text).strip(" ,")


def _named(text: str) -> Fields | None:
    """The numbers of a day whose month is a word; of two words that may be months one is the day of the
    week.
    """
    for name in _of_two_words():
        text = text.replace(name, name.replace(" ", ""))
    tokens = re.findall(rf"\d+|{WORD}(?:['’]{WORD})?", text)
    numbers = [token for token in tokens if token.isdigit()]
    words = [bare(token) for token in tokens if not token.isdigit()]
    if not all(word in months() or word in weekdays() or word in FILLERS for word in words):
        return None
    named = [months()[word] for word in words if word in months()]
    if len(named) > 1:
        named = [months()[word] for word in words if word in months() and word not in weekdays()] or named[
            -1:
        ]
    if len(named) != 1 or len(numbers) != 2 or max(map(len, numbers)) > 4:
        return None
    month = named[0]
    (a, b), widths = map(int, numbers), tuple(map(len, numbers))
    return Fields((a, month, b), (widths[0], 0, widths[1]), named=True)


def compact(text: str, order: str) -> Fields | None:
    """The numbers of a day without marks, read in this order; a zero that a spreadsheet took away is put
    back.
    """
    match = COMPACT.match(text)
    if match is None:
        return None
    digits = match[1] if len(match[1]) % 2 == 0 else f"0{match[1]}"
    year = 4 if len(digits) == 8 else 2
    numbers, widths = [], []
    for letter in order:
        width = year if letter == "y" else 2
        numbers.append(int(digits[:width]))
        widths.append(width)
        digits = digits[width:]
    return Fields(tuple(numbers), tuple(widths))  # type: ignore[arg-type]


def read(texts: list[str], order: str, this_year: int) -> np.ndarray:
    """Days since 1970 of each text, in this order; NO_DAY where it is none.

    A year of four figures is a year wherever it stands: 2024-01-03 is the same day in each of the common
    orders.
    """
    parts = [fields(text) or compact(text, order) for text in texts]
    rows = [_in_order(part, order) if part else (0, 0, 0, 0) for part in parts]
    year, month, day, width = np.array(rows, np.int64).reshape(-1, 4).T
    year = np.where((year >= BUDDHIST_YEARS[0]) & (year <= BUDDHIST_YEARS[1]), year - BUDDHIST, year)
    year = np.where((width == 3) & (year >= 80), year + MINGUO, year)
    short = width == 2
    year = np.where(short, np.where(year + 2000 <= this_year + 1, year + 2000, year + 1900), year)
    return civil(year, month, day)


def _in_order(numbers: Fields, order: str) -> tuple[int, int, int, int]:
    """Year, month, day and the width of the year; zeros where the widths do not fit."""
    none = (0, 0, 0, 0)
    if numbers.named:
        order = {"dmy": "dmy", "mdy": "dmy", "ymd": "ymd"}.get(order, "")
    first, _, last = numbers.widths
    if first >= 3 and order in MAIN:
        order = "ymd"
    elif last >= 3 and order == "ymd":
        return none
    if not order:
        return none
    of = dict(zip(order, zip(numbers.numbers, numbers.widths, strict=True), strict=True))
    if of["y"][1] not in (2, 3, 4) or of["d"][1] > 2 or of["m"][1] > 2:
        return none
    return of["y"][0], of["m"][0], of["d"][0], of["y"][1]


def civil(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days since 1970; NO_DAY where there is no such day after 1900-01-01, which stands for unknown, up
    to 2199.
    """
    is_month = (month >= 1) & (month <= 12) & (year >= 1900) & (year < 2200)
    start = np.where(is_month, (year - 1970) * 12 + month - 1, 0)
    first = start.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    after = (start + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    is_day = is_month & (day >= 1) & (day <= after - first)
    days = first + day - 1
    return np.where(is_day & (days > UNKNOWN), days, NO_DAY).astype(np.int64)


def bare(word: str) -> str:
    """A word as the tables of months and weekdays have it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", word).casefold()).strip(".")


@lru_cache(maxsize=1)
def months() -> dict[str, int]:
    """The names of the months in several languages, without a point, to their numbers."""
    from babel.dates import get_month_names

    names: dict[str, int] = {}
    for locale in LOCALES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for month, name in get_month_names(width, context, locale).items():
                    word = bare(name)
                    word = word.replace(" ", "")
                    if word and not word.isdigit():
                        names.setdefault(word, month)
                        names.setdefault(_plain(word), month)
    for month, word in enumerate(ARABIC, start=1):
        names.setdefault(bare(word), month)
    for word, month in _cut().items():
        names.setdefault(word, month)
    roman = {word: month for month, word in enumerate(ROMAN, start=1)}
    return {**roman, **names, "sept": 9, "mrz": 3, "maerz": 3, "feber": 2, "okt": 10, "dez": 12}


def _cut() -> dict[str, int]:
    """The names of months cut after three letters, as many programs do, where these are of one month only."""
    from babel.dates import get_month_names

    numbers: dict[str, set[int]] = {}
    for locale in LOCALES:
        for month, name in get_month_names("wide", "format", locale).items():
            if len(bare(name)) > CUT:
                numbers.setdefault(bare(name)[:CUT], set()).add(month)
    return {word: months_.pop() for word, months_ in numbers.items() if len(months_) == 1 and word.isalpha()}


@lru_cache(maxsize=1)
def _of_two_words() -> tuple[str, ...]:
    """The names of months that have a blank in them, as in the Levant."""
    from babel.dates import get_month_names

    names = {name for locale in ("ar_SY",) for name in get_month_names("wide", "format", locale).values()}
    return tuple(sorted(unicodedata.normalize("NFKC", name) for name in names if " " in name))


@lru_cache(maxsize=1)
def weekdays() -> frozenset[str]:
    """The names of the days of the week in several languages, without a point."""
    from babel.dates import get_day_names

    words = {
        bare(name)
        for locale in LOCALES
        for width in ("wide", "abbreviated", "short")
        for name in get_day_names(width, "format", locale).values()
    }
    words |= {
        f"{before}{day}{behind}"
        for day in WEEKDAYS
        for before, behind in (("星期", ""), ("周", ""), ("週", ""), ("", "曜日"), ("", "요일"), ("", ""))
    }
    return frozenset(words | {_plain(word) for word in words} | {bare(word) for word in words})


def _plain(word: str) -> str:
    """A word without its accents: many systems write fevr for févr."""
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def is_period(text: str) -> bool:
    """True where the name of a column is a day, a month, a week, a quarter or a year: of a summary by time."""
    text = text.strip()
    if PERIOD.fullmatch(text) or fields(text):
        return True
    words = re.findall(WORD, text)
    figures = re.sub(rf"{WORD}|[\s.,/'’-]", "", text)
    return (
        len(words) == 1
        and bare(words[0]) in months()
        and re.fullmatch(r"(?:\d{2}|\d{4})?", figures) is not None
    )
