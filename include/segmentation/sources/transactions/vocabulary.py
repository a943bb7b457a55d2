"""The words of many languages for no customer, for a sum, and for what became of an order."""

import re
from functools import lru_cache

import yaml

from segmentation.settings import INCLUDE
from segmentation.sources.transactions.exports import plain

FILE = INCLUDE / "config" / "vocabulary.yaml"
NO_CUSTOMER = {"", "0", "-1", "-", "--", "---", "–", "—", "?", "??", ".", "*", "0.0", "n/a", "#n/a"}
SHORT, HANGUL = 5, "\u1100"
KINDS = ("counted", "unpaid", "cancelled", "refunded")
AFFIXES = re.compile(
    r"^(?:customer|client|cliente|user|kunde)|(?:customer|client|cliente|user|kunde|order|account)$"
)


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    told = yaml.safe_load(FILE.read_text())
    lists = {kind: words for kind, words in told.items() if kind != "stems"}
    plain_words = {kind: [plain(word) for word in words.split(",")] for kind, words in lists.items()}
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


def is_return(text: str) -> bool:
    """True where the type of a line says that its money went back."""
    return plain(text) in _lists()["returns"]


def state_of(status: str) -> str | None:
    """Status of an order: counted, unpaid, cancelled or refunded; None when no word of it is known."""
    word = plain(status).removeprefix("wc")
    exact = next((kind for kind in KINDS if word in _lists()[kind]), None)
    return exact or _by_stems(status)


def _by_stems(status: str) -> str | None:
    """What the beginnings of the words of a status tell: `Annulé par le client`, `Order cancelled (fraud)`."""
    words = [plain(word) for word in re.split(r"[\W_]+", status)]
    whole = plain(status)
    if any(_begins(word, "asked") for word in words):  # somebody wants it to be so
        return None
    if any(_begins(word, "partly") for word in words):
        return "counted"
    if any(_begins(word, "waiting") for word in words):
        return "unpaid" if any(_begins(word, "payment") for word in words) else "counted"
    for kind in ("cancelled", "refunded"):
        if any(_begins(word, f"{kind}_stems") for word in words) or any(stem in whole for stem in _cjk(kind)):
            return kind
    return None


def _begins(word: str, stems: str) -> bool:
    """True where a word begins with one of the stems; one of few letters must be all of it."""
    return any(
        word == stem if len(stem) < SHORT and stem < HANGUL else word.startswith(stem) for stem in _stems()[stems]
    )


@lru_cache(maxsize=1)
def _stems() -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(plain(stem) for stem in words.split(",") if plain(stem))
        for name, words in yaml.safe_load(FILE.read_text())["stems"].items()
    }


def _cjk(kind: str) -> tuple[str, ...]:
    """Stems of writings that have no blanks between words."""
    return tuple(stem for stem in _stems()[f"{kind}_stems"] if not stem.isascii() and stem >= HANGUL)
