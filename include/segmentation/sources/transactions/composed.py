"""Names of columns that known words make up, in any language and order: `Suma zamówienia brutto`, 订单实付金额."""

import re
from functools import lru_cache

from segmentation import yaml_files
from segmentation.settings import INCLUDE
from segmentation.sources.transactions import names
from segmentation.sources.transactions.exports import plain

FILE = INCLUDE / "config" / "column_words.yaml"
SALES = frozenset({"sales", "small"})
ALLOWED = {  # of each role: the classes of which a word must be there, and those of which others may be
    "customer_id": (frozenset({"people", "emails", "cards"}), frozenset({"ids", "names", "small"})),
    "ordered_at": (frozenset({"dates"}), SALES),
    "amount": (frozenset({"money"}), SALES | {"kinds_of_money", "taxes", "with_taxes", "currencies"}),
    "order_id": (frozenset({"ids"}), SALES),
}
SEPARATORS = r"[\s_.,;:/()\[\]（）【】#+&'’\-–—$€£¥?!*\"]+"  # no marks that stand on letters
E_MAIL = re.compile(r"(?i)(?<![^\W_])e-?mail")
CHINESE = "\u2e80"  # and Japanese: where one character may be a word
NET = ("net", "netto", "neto", "ht", "excl", "exkl", "без", "bez")


def rank(role: str, name: str) -> int | None:
    """Rank of a name among those of a role, from 0; None where it has another word, or too few that tell."""
    heads, others = ALLOWED[role]
    classes = _apart(name, heads | others)
    if classes is None or not heads & {kind for kind, _ in classes}:
        return None
    kinds = {kind for kind, _ in classes}
    if role == "customer_id":
        return _of_customers(kinds)
    if role == "order_id" and "sales" not in kinds:
        return None
    if role == "amount" and "taxes" in kinds and "with_taxes" not in kinds:  # an amount of taxes
        return None
    return int(any(word in NET for _, word in classes))


def is_time_of(name: str, date_name: str) -> bool:
    """True where two names differ only in that one says time where the other says date: `Bill Time`, `Bill Date`."""
    both = [_apart(one, SALES | {"dates"}) for one in (name, date_name)]
    if None in both:
        return False
    (times, of_time), (dates, of_date) = (_heads(words or []) for words in both)
    is_time = [all("times" in _classes()[word] for word in words) for words in (times, dates)]
    return bool(of_time) and of_time == of_date and is_time == [True, False]


def _heads(words: list[tuple[str, str]]) -> tuple[set[str], set[str]]:
    """The words for dates, and the others that tell."""
    dates = {word for kind, word in words if kind == "dates"}
    return dates, {word for kind, word in words if kind == "sales"}


def _of_customers(kinds: set[str]) -> int | None:
    """Numbers before people alone, before addresses, before names; a card alone tells nothing without its number."""
    if "cards" in kinds and not kinds & {"people", "ids"}:
        return None
    if "emails" in kinds:
        return 2
    if "ids" in kinds:
        return 0
    return 3 if "names" in kinds else 1


def _apart(name: str, kinds: frozenset[str]) -> list[tuple[str, str]] | None:
    """The words that a name is made of, each with its class; None where something is left over."""
    words: list[tuple[str, str]] = []
    for token in re.split(SEPARATORS, E_MAIL.sub("email", name)):
        more = _of_token(plain(token), kinds)
        if more is None:
            return None
        words += more
    return words


def _of_token(text: str, kinds: frozenset[str]) -> list[tuple[str, str]] | None:
    """The same of letters without a mark between; a single letter is a word alone only."""
    ends: list[list[tuple[str, str]] | None] = [[], *[None] * len(text)]
    for start in range(len(text)):
        before = ends[start]
        if before is None:
            continue
        for end in range(start + 1, min(len(text), start + _longest()) + 1):
            word = text[start:end]
            if len(word) == 1 < len(text) and word < CHINESE:
                continue
            kind = next((k for k in _classes().get(word, ()) if k in kinds), None)
            if kind and (ends[end] is None or len(before) + 1 < len(ends[end] or [])):
                ends[end] = [*before, (kind, word)]
    return ends[-1]


@lru_cache(maxsize=1)
def _classes() -> dict[str, tuple[str, ...]]:
    """The classes of each word."""
    words = {
        kind: set(map(plain, text.split()))
        for kind, text in yaml_files.parse(FILE.read_text("utf-8")).items()
    }
    words["currencies"] = {plain(word) for word in names.CURRENCY}
    return {
        word: tuple(kind for kind in words if word in words[kind])
        for word in set().union(*words.values())
        if word
    }


@lru_cache(maxsize=1)
def _longest() -> int:
    return max(map(len, _classes()))
