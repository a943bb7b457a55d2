"""Customers of the lines: one spelling of each, guests, sums in their place, ids that a spreadsheet spoilt."""

import hashlib
import html
import re
import unicodedata
from dataclasses import dataclass

import numpy as np

from segmentation.errors import SourceError
from segmentation.language.texts import fact
from segmentation.sources.transactions import vocabulary
from segmentation.sources.transactions.coded import Coded

INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u202a\u202b\u202c\u202d\u202e"
HIDDEN = re.compile(f"[{INVISIBLE}]")
GUESTS = "guest|gast|anon|invit|ospite|convid|гость|游客|访客"
NO_NUMBER = rf"(?i)^(?:\D*|-1|0+|0+[.,]0+|(?:{GUESTS})\D*\d+)$"  # what may be a word for a guest or a sum
UNUSUAL = r"(?i)[^\x21-\x7e]|@|\.0+$|%40|&#|[\[(]at[\])]"
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*@[A-Za-z0-9.-]*[A-Za-z0-9]").fullmatch
AT = re.compile(r"(?i)\s*(?:@|%40|[\[(]at[\])])\s*")  # as people and programs write it
SHORTENED = r"^[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{1,3}$"


@dataclass(frozen=True)
class Customers:
    """The customers of the rows, none where there is no account, and which rows are sums."""

    ids: Coded
    is_guest: np.ndarray  # the row names no account, in words
    is_total: np.ndarray


def read(column: Coded) -> Customers:
    """The ids of a column of customers; addresses become their hash, as ad platforms and the warehouse
    have it.
    """
    places = column.places(NO_NUMBER)
    texts = column.texts_at(places)
    are_guests = np.array([text != "" and vocabulary.is_guest(text) for text in texts], bool)
    are_totals = np.array([vocabulary.is_total(text) for text in texts], bool)
    are_nobody = are_guests | are_totals
    nobody = column.with_texts(places[are_nobody], [""] * int(are_nobody.sum()))
    return Customers(
        nobody.some(UNUSUAL, customer_id),
        column.rows_at(places[are_guests]),
        column.rows_at(places[are_totals]),
    )


def customer_id(text: str) -> str:
    """One id for one customer: 17850.0 is 17850, and an address is the same in any case, form and
    wrapping.
    """
    if PLAIN_ADDRESS(text):  # nearly all
        return hashlib.sha256(text.lower().encode()).hexdigest()
    text = unicodedata.normalize("NFKC", HIDDEN.sub("", text)).strip()
    text = AT.sub("@", html.unescape(text))
    if "@" in text:
        return hashlib.sha256(address(text).encode()).hexdigest()
    return re.sub(r"^(\d+)\.0+$", r"\1", text)


def address(text: str) -> str:
    """The bare address of `Ann <MAILTO:Ann@Example.org>`, lower case."""
    text = unicodedata.normalize("NFKC", HIDDEN.sub("", text)).strip().strip("<>\"' .,;:")
    text = re.sub(
        r"(@\S+)\s*\([^()]*\)$", r"\1", AT.sub("@", html.unescape(text))
    )  # ann@example.org (Ann Lee)
    if match := re.search(r"<([^<>@\s]+@[^<>\s]+)>?$", text):
        text = match[1]
    text = re.sub(r"^mailto:", "", text, flags=re.IGNORECASE)
    return text.lower()


def refuse_shortened(role: str, name: str, column: Coded, lines: np.ndarray, file: str) -> None:
    """Refuse ids that a spreadsheet has written as 9.99999E+12: many customers have become one.

    Raises
    ------
    SourceError
    """
    import pyarrow.compute as pc

    is_short = pc.match_substring_regex(column.values, SHORTENED).to_numpy(zero_copy_only=False)
    rows = column.rows_where(is_short)
    if rows.any():
        raise SourceError(
            fact(
                "{file}: '{name}' ({role}): {lines:,} lines, the first is {first}, have numbers that a spreadsheet has "
                "shortened (as 9.99999E+12), so that they are one: export it again with the column as text, or name "
                "another one: COLUMNS={role}=...",
                file=file,
                name=name,
                role=role,
                lines=int(rows.sum()),
                first=int(lines[rows.argmax()]),
            )
        )
