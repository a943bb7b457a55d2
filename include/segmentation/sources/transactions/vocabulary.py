"""The words of many languages for no customer, for a sum, and for what became of an order."""

import re
from functools import lru_cache

import yaml

from segmentation.settings import INCLUDE
from segmentation.sources.transactions.exports import plain

FILE = INCLUDE / "config" / "vocabulary.yaml"
NO_CUSTOMER = {"", "0", "-1", "-", "--", "---", "–", "—", "?", "??", ".", "*", "0.0", "n/a", "#n/a"}
AFFIXES = re.compile(
    r"^(?:customer|client|cliente|user|kunde)|(?:customer|client|cliente|user|kunde|order|account)$"
)


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    told = yaml.safe_load(FILE.read_text())
    plain_words = {kind: [plain(word) for word in words.split(",")] for kind, words in told.items()}
    return {kind: frozenset([*words, *map(_without_e, words)]) for kind, words in plain_words.items()}


def _without_e(word: str) -> str:
    """An umlaut that is written as two letters, as its vowel alone: what `plain` makes of the umlaut."""
    return re.sub("([aou])e", r"\1", word)


def is_guest(text: str) -> bool:
    """True where a customer's name says that there is no account."""
    bare = text.strip().casefold()
    if bare in NO_CUSTOMER:
        return True
    word = plain(text)
    return "@" not in bare and bool({word, AFFIXES.sub("", word)} & _lists()["guests"])


def is_total(text: str) -> bool:
    """True where a cell says that its line is a sum."""
    return plain(text) in _lists()["totals"]


def state_of(status: str) -> str | None:
    """Status of an order: counted, unpaid, cancelled or refunded; None when the word is not known."""
    word = plain(status).removeprefix("wc")
    return next(
        (kind for kind in ("counted", "unpaid", "cancelled", "refunded") if word in _lists()[kind]), None
    )
