"""Columns that say of a line what it is: a return, a credit, cancelled, a test; kept where their words are known."""

import re

import numpy as np

from segmentation.sources.transactions import vocabulary
from segmentation.sources.transactions.coded import Coded
from segmentation.sources.transactions.content import Content
from segmentation.sources.transactions.exports import plain
from segmentation.sources.transactions.unnamed import FEW_WORDS

WEAK = frozenset({"state", "estado", "mode"})  # an address may have it, too

NO = {
    "0", "no", "n", "false", "f", "nein", "non", "nej", "nee", "nie", "нет", "ne", "não", "nao", "いいえ", "否",
    "아니오", "off", "-",
}  # fmt: skip
YES = {
    "1", "yes", "y", "true", "t", "ja", "j", "oui", "o", "sí", "si", "s", "sim", "da", "tak", "kyllä", "evet", "да",
    "はい", "是", "예", "x", "✓", "✔", "on",
}  # fmt: skip
SOLD_OR_BACK = {"s", "r"}
SIDES = "cr|dr|c|d|credit|debit|s|h|soll|haben"
ZERO = r"^[^\d]*0*(?:[.,]0*)?[^\d]*$"


def weed(opened: Content, is_told: bool) -> None:
    """Take roles that were guessed from a name from columns whose values are of another kind."""
    columns = opened.columns
    if "refunded" in columns and (_is_flag(columns["refunded"]) or _are_dates(columns["refunded"])):
        role = "given_back" if "cancelled" in columns else "cancelled"
        opened.columns[role] = opened.columns.pop("refunded")
        opened.places[role] = opened.places.pop("refunded")
    if is_told:
        return
    _weed_amounts(opened)
    if "paid" in columns and not _is_flag(columns["paid"]):
        _drop(opened, "paid")
    if "type" in columns and not (_has_sides(columns["type"]) or _tells_types(columns["type"])):
        _drop(opened, "type")
    for role in ("status", "payment_status", "delivery_status"):
        if role in columns and not _knows(columns[role], lambda text: vocabulary.state_of(text) is not None):
            is_weak = plain(opened.name_of(role)) in WEAK or sum(map(bool, columns[role].texts)) > FEW_WORDS
            if is_weak:
                _drop(opened, role)
    for role in ("cancelled", "test"):
        if role in columns and not all(map(_is_mark, columns[role].texts)):
            _drop(opened, role)


def _weed_amounts(opened: Content) -> None:
    """Take an amount that nobody fills: price and pieces tell more."""
    for role in ("amount", "order_total"):
        if {role, "unit_price"} <= set(opened.columns) and opened.columns[role].is_empty().all():
            _drop(opened, role)


def _tells_types(column: Coded) -> bool:
    """True where a column has few words, of which one is a return, an event, or a payment beside a sale."""
    if _knows(column, _is_type):
        return True
    return _knows(column, vocabulary.is_sale) and _knows(column, vocabulary.is_payment)


def _is_type(text: str) -> bool:
    return vocabulary.is_return(text) or vocabulary.is_event(text)


def is_no_sale(column: Coded) -> np.ndarray:
    """Mask of the rows that are called a look, a click, a basket, a payout; beside sales also a payment."""
    has_sales = any(vocabulary.is_sale(text) for text in column.texts)
    return column.rows_where(
        [
            bool(text) and (vocabulary.is_event(text) or (has_sales and vocabulary.is_payment(text)))
            for text in column.texts
        ]
    )


def _drop(opened: Content, role: str) -> None:
    del opened.columns[role], opened.places[role]


def _knows(column: Coded, is_known) -> bool:
    """True where a column has few words, and some of them are known."""
    texts = [text for text in column.texts if text]
    return 0 < len(texts) <= FEW_WORDS and any(is_known(text) for text in texts)


def _is_mark(text: str) -> bool:
    """True where a text says yes or no, is a number or a date, or the word for it itself; A and B are none."""
    word = text.strip().casefold()
    is_word = word in NO or word in YES or vocabulary.state_of(word) in ("cancelled", "refunded")
    return not word or is_word or bool(re.fullmatch(r"[\d\W]*\d[\d\W]*(?:[ tT][\d\W]+)?[zZ]?", word))


def _are_dates(column: Coded) -> bool:
    """True where a column has days in figures, and nothing else."""
    texts = [text for text in column.texts if text]
    return bool(texts) and all(re.match(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:\D|$)", text) for text in texts)


def _has_sides(column: Coded) -> bool:
    """True where a column says credit or debit, and both are there."""
    texts = [text for text in column.texts if text]
    if {text.casefold() for text in texts} == SOLD_OR_BACK:
        return True
    return len(texts) == 2 and all(re.fullmatch(SIDES, text.casefold().rstrip(".")) for text in texts)


def _is_flag(column: Coded) -> bool:
    """True where a column says yes or no: in words, or as 1 and 0."""
    texts = {text.casefold() for text in column.texts if text}
    if not texts or len(texts) > 2:
        return False
    return (texts <= {"0", "1"} and len(texts) == 2) or not any(re.search(r"\d", text) for text in texts)


def is_set(column: Coded) -> np.ndarray:
    """Mask of the rows that have more here than nothing, no, false or zero."""
    texts = [text.strip().casefold() for text in column.texts]
    return column.rows_where([bool(text) and text not in NO and not _is_zero(text) for text in texts])


def _is_zero(text: str) -> bool:
    return bool(re.search(r"0", text)) and re.match(ZERO, text) is not None


def is_return(column: Coded) -> np.ndarray:
    """Mask of the rows that are called a return, a refund, a credit note: R beside S, of credit and debit the rarer."""
    if {text.casefold() for text in column.texts if text} == SOLD_OR_BACK:
        return column.rows_where([text.casefold() == "r" for text in column.texts])
    if _has_sides(column):
        counts = {text: int(count) for text, count in zip(column.texts, column.counts, strict=True) if text}
        rarer = min(counts, key=lambda text: counts[text])
        return column.rows_where([text == rarer for text in column.texts])
    return column.rows_where([bool(text) and vocabulary.is_return(text) for text in column.texts])
