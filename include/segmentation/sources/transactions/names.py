"""Names of columns in many languages: the words, and the ways in which one name is written."""

import itertools
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from segmentation import yaml_files
from segmentation.settings import INCLUDE
from segmentation.sources.transactions.exports import plain

FILE = INCLUDE / "config" / "column_names.yaml"
CURRENCIES = (
    r"(usd|eur|euro|gbp|chf|jpy|cny|rmb|cad|aud|nzd|sgd|hkd|twd|sek|nok|dkk|isk|pln|czk|huf|ron|bgn|uah|rub|try|ils"
    r"|aed|sar|egp|zar|ngn|kes|inr|pkr|thb|idr|myr|php|vnd|krw|brl|mxn|ars|clp|cop|pen)$"
)
NUMBER = r"(?i)\bn[°º](?=\W|\b)|№|#"
BRACKETS = r"[(\[（【][^)\]）】]*[)\]）】]"
SMALL = {
    "a", "of", "the", "in", "de", "del", "della", "dell", "delle", "di", "da", "do", "das", "dos", "des",
    "du", "la", "le", "les", "l", "d", "der", "den", "von", "vom", "van", "el", "en", "y", "et", "z",
    "na", "i", "utc", "gmt", "local", "shop", "cents", "cent", "pence", "teur", "keur", "tsd", "thousands",
    "pst", "pdt", "edt", "cet", "cest", "mez", "mesz", "msk", "jst", "kst", "sgt",
}  # fmt: skip
QUALIFIED = re.compile(r"^\w+(?:\.(\w+(?:\.\w+)*)|\[(\w+)\])$")  # orders.total, orders[total]
CURRENCY = frozenset(
    [*re.findall("[a-z]+", CURRENCIES), "us", "euros", "dollars", "руб", "рублей", "рублях", "грн"]
)
OF_LINE = re.compile(
    r"(?i)(?<![^\W_])(?:line|item|row|positions?|pos|zeilen?|artikel|ligne|línea|linea|riga|regel|pozycj\w*|položk\w*|rad|linje|rivi|satır)"
    r"|(?<![^\W_])(?:строк|позици)|明細|行[合总總金]|单品|항목"
)
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


@lru_cache(maxsize=1)
def common() -> dict[str, tuple[str, ...]]:
    """The names of each role, as `plain` writes them, the likeliest first."""
    roles = yaml_files.parse(FILE.read_text())
    return {role: tuple(dict.fromkeys(_words(lists))) for role, lists in roles.items()}


def _words(lists: list[Any]) -> Iterator[str]:
    for entry in lists:
        if isinstance(entry, str):
            yield from _plain(entry)
            continue
        for head, behind in itertools.product(_plain(entry["of"]), _plain(entry["with"])):
            yield head + behind
            yield behind + head


def _plain(words: str) -> Iterator[str]:
    for word in words.split():
        yield from dict.fromkeys((plain(word), plain(word.translate(UMLAUTS))))


def spellings(name: str) -> tuple[str, ...]:
    """One name as the lists may have it: without small words, brackets, and a currency behind it."""
    numbered = re.sub(NUMBER, " no ", name)
    bare = re.sub(BRACKETS, " ", numbered)
    tokens = [token for token in re.split(r"[\W_]+", bare.casefold()) if token]
    short = plain(" ".join(token for token in tokens if token not in SMALL))
    without = plain(" ".join(token for token in tokens if token not in SMALL | CURRENCY))
    inner = QUALIFIED.match(name.strip())
    last = plain(inner[1] or inner[2]) if inner else ""
    variants = (plain(name), plain(numbered), plain(bare), short, without, last)
    return tuple(
        dict.fromkeys(word for one in variants for word in (one, re.sub(CURRENCIES, "", one)) if word)
    )


def is_of_line(name: str) -> bool:
    """True where the name of an amount says that it is a line's own: Line total, Positionssumme, 行合计."""
    return OF_LINE.search(name) is not None
