"""The words of many languages for no customer, for a sum, and for what became of an order."""

import re
from functools import lru_cache

from segmentation import yaml_files
from segmentation.settings import INCLUDE
from segmentation.sources.transactions.exports import plain

FILE = INCLUDE / "config" / "vocabulary.yaml"
NO_CUSTOMER = {"", "0", "-1", "-", "--", "---", "–", "—", "?", "??", ".", "*", "0.0", "n/a", "#n/a"}
NAMES = {
    "gast",
    "host",
    "cash",
    "divers",
    "pos",
    "retail",
    "nn",
    "invite",
    "visitor",
    "umum",
    "brak",
    "khach",
}  # of people, too
LEAST = 3  # letters of a word that tells an alphabet
SHORT, HEBREW = 5, "\u0590"
KINDS = ("counted", "unpaid", "cancelled", "refunded")
AFFIXES = re.compile(
    r"^(?:customer|cliente|client|user|kunde)|(?:customer|client|cliente|user|kunde|order|account)$"
)


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    words_by_kind = yaml_files.parse(FILE.read_text())
    lists = {kind: words for kind, words in words_by_kind.items() if kind != "stems"}
    plain_words = {kind: [plain(word) for word in words.split(",")] for kind, words in lists.items()}
    return {kind: frozenset([*words, *map(_without_e, words)]) for kind, words in plain_words.items()}


def _without_e(word: str) -> str:
    """An umlaut that is written as two letters, as its vowel alone: what `plain` makes of the umlaut."""
    return re.sub("([aou])e", r"\1", word)


def is_guest(text: str) -> bool:
    """True where a customer's name says that there is no account."""
    bare = text.strip().casefold()
    if bare in NO_CUSTOMER or re.fullmatch(r"0+(?:[.,]0+)?", bare):
        return True
    whole, short = plain(text), plain(re.sub(r"[(\[].*?[)\]]|[-_#\s]*\d+$", "", text))
    forms = {form for word in (whole, short) for form in (word, AFFIXES.sub("", word))}
    if "@" in bare:  # guest@shop.example stands for nobody, Gast.Anna@shop.example for somebody
        return plain(re.sub(r"^.*<|^mailto:|@.*$", "", bare)) in _lists()["guests"] - NAMES
    return bool(forms & _lists()["guests"]) or _is_nobody(text)


def _is_nobody(text: str) -> bool:
    """True where each word says that nobody is known, or is one for a buyer: unknown customer, Gastkonto."""
    words = [plain(word) for word in re.split(r"[\s\d_.,;:/()\[\]-]+", text)]
    words = [word for word in words if word]
    nobody, buyers = _lists()["nobody"], _lists()["buyers"]
    if len(words) > 1:
        return all(word in nobody or word in buyers for word in words) and any(
            word in nobody for word in words
        )
    return bool(words) and words[0] in _compounds()


@lru_cache(maxsize=1)
def _compounds() -> frozenset[str]:
    """The words for nobody and for a buyer as one word."""
    nobody = [word for word in _lists()["nobody"] if word]
    buyers = [word for word in _lists()["buyers"] if len(word) > 1]
    return frozenset(whole for one in nobody for two in buyers for whole in (one + two, two + one))


def is_known(word: str) -> bool:
    """True for a word of any of the lists; two letters tell nothing."""
    bare = plain(word)
    return not (bare.isascii() and len(bare) < LEAST) and any(bare in words for words in _lists().values())


def is_total(text: str) -> bool:
    """True where a cell says that its line is a sum."""
    return plain(re.sub(r"[(\[].*?[)\]]", "", text)) in _lists()["totals"] or text.strip() == "Σ"


@lru_cache(maxsize=1)
def total_prefixes() -> str:
    """Pattern of the texts that may begin with a word for a sum: by three letters, or one beyond ASCII."""
    prefixes = sorted({word[:3] for word in _lists()["totals"] if word.isascii()})
    return rf"(?i)^\W*(?:{'|'.join(prefixes)}|[^\x00-\x7f])"


def begins_as_total(text: str) -> bool:
    """True where the first words of a cell may say so: `Total for Ann`, and `Total Wines`, who is a customer."""
    words = [word for word in re.split(r"[\W_]+", text) if word]
    return any(plain("".join(words[:count])) in _lists()["totals"] for count in (1, 2))


def is_return(text: str) -> bool:
    """True where the type of a line says that its money went back."""
    return plain(text) in _lists()["returns"]


def is_event(text: str) -> bool:
    """True where the type of a line says that nothing was bought."""
    return plain(text) in _lists()["events"]


def is_free(text: str) -> bool:
    """True where a word stands for an amount of nothing."""
    return not any(figure.isdigit() for figure in text) and plain(text) in _lists()["free"]


def is_payment(text: str) -> bool:
    """True where the type of a line says how a sale was paid: no sale of its own where others are called sales."""
    return plain(text) in _lists()["payments"]


def is_sale(text: str) -> bool:
    """True where the type of a line says that something was sold."""
    return plain(text) in _lists()["sales"]


def type_of(text: str) -> str | None:
    """Type of a line: sale, payment or return; None when its word is not known."""
    kinds = {"return": is_return, "sale": is_sale, "payment": is_payment}
    return next((kind for kind, holds in kinds.items() if holds(text)), None)


def states_of(words: list[str]) -> list[str | None]:
    """Status of orders by all the words of a column: counted, unpaid, cancelled or refunded; None: not known.

    Magento calls an order closed whose money went back, and `complete` one that is done; to others closed is done.
    """
    is_magento = any(plain(word) == "complete" for word in words)
    kinds: list[str | None] = []
    for word in words:
        is_closed = plain(word).removeprefix("wc") == "closed"
        kinds.append("counted" if not word or (is_closed and not is_magento) else state_of(word))
    return kinds


def state_of(status: str) -> str | None:
    """Status of an order: counted, unpaid, cancelled or refunded; None when no word of it is known."""
    forms = (plain(status), plain(status).removeprefix("wc"))
    exact = next((kind for form in forms for kind in KINDS if form in _lists()[kind]), None)
    return exact or _by_stems(status)


def _by_stems(status: str) -> str | None:
    """Meaning of a status by the beginnings of its words: `Annulé par le client`, `Order cancelled (auto)`."""
    words = [*(plain(word) for word in re.split(r"[\W_]+", status)), plain(status)]
    if _tells(words, "asked"):  # somebody wants it to be so
        return None
    if _tells(words, "partly"):
        return "counted"
    if _tells(words, "waiting"):
        return "unpaid" if not _tells(words, "paid") and _tells(words, "payment") else "counted"
    return next((kind for kind in ("cancelled", "refunded") if _tells(words, f"{kind}_stems")), None)


def _tells(words: list[str], stems: str) -> bool:
    """True where a word begins with a stem; writings without blanks between words have it anywhere."""
    return any(_begins(word, stem) for word in words for stem in _stems()[stems])


def _begins(word: str, stem: str) -> bool:
    """True where a word begins with a stem; one of few letters must be all of it."""
    if stem >= HEBREW:  # of scripts that put words together, or marks between their letters
        return stem in word
    return word == stem if len(stem) < (SHORT if stem.isascii() else SHORT - 1) else word.startswith(stem)


@lru_cache(maxsize=1)
def _stems() -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(plain(stem) for stem in words.split(",") if plain(stem))
        for name, words in yaml_files.parse(FILE.read_text())["stems"].items()
    }
