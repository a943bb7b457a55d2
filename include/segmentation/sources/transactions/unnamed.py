"""Columns that no common name tells, known by their values: status of an order, type of a line, number of an order."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from segmentation.errors import SourceError
from segmentation.sources.transactions import columns, names, vocabulary
from segmentation.sources.transactions.coded import Coded
from segmentation.sources.transactions.exports import plain

SURVEYED_ROWS = 20_000
OF_AN_ORDER = ("customer_id", "ordered_at")  # that a number of an order has one of
FEW_WORDS = 30  # a column of more words than these is no status
MOST_LINES = 0.9  # of the lines must have a word that is known
FILLED = 0.9  # of the lines
FEW_LINES = 3  # without a number: sums below the lines
FEW_ORDERS = 3  # of several lines
ONE_NUMBER = 0.5  # of the orders of several lines, by customer and time, at least
NUMBER = r"[#A-Za-z]{0,8}[-_/ ]?(?=[-_/A-Za-z\d]*\d)[A-Za-z\d][-_/A-Za-z\d]*"
DATE = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"
STATES = ("status", "payment_status", "delivery_status", "cancelled", "paid", "cancelled_at")


def missing(places: Collection[str]) -> frozenset[str]:
    """The roles that values may tell and that no column has yet."""
    roles = {"status": STATES, "type": ("type",), "order_id": ("order_id",)}
    return frozenset(role for role, like in roles.items() if not set(like) & set(places))


def first_rows(batches: Iterable[tuple[Any, Any]], roles: Sequence[str]) -> dict[str, Coded] | None:
    """The first rows of some columns; None where they cannot be read."""
    import pyarrow as pa

    parts: list[Any] = []
    try:
        for batch, _ in batches:
            parts.append(batch.select(roles).slice(0, SURVEYED_ROWS))
            if sum(map(len, parts)) >= SURVEYED_ROWS:
                break
    except (SourceError, KeyError):  # a quotation mark that is not closed; a sheet without the column
        return None
    parts = [part if isinstance(part, pa.Table) else pa.Table.from_batches([part]) for part in parts]
    if not sum(map(len, parts)):
        return None
    return {role: Coded.of(pa.concat_tables(parts).column(role)) for role in roles}


def find(
    roles: frozenset[str], left: dict[int, tuple[str, Coded]], customer: Coded, date: Coded
) -> dict[str, int]:
    """The place of each wanted role's column among those that are left, by place with their names."""
    place_by_role: dict[str, int] = {}
    for role, tells in (("status", tells_states), ("type", tells_types)):
        fitting = [
            place
            for place, (_, column) in left.items()
            if place not in place_by_role.values() and tells(column)
        ]
        if role in roles and fitting:
            place_by_role[role] = fitting[0]
    if "order_id" in roles:
        numbers = {
            place: len(column.values)
            for place, (name, column) in left.items()
            if place not in place_by_role.values()
            and not _is_another(name)
            and numbers_orders(column, customer, date)
        }
        place_by_role.update({"order_id": min(numbers, key=lambda place: numbers[place])} if numbers else {})
    return place_by_role


def tells_states(column: Coded) -> bool:
    """True where nearly all lines have a word for what became of an order, some of one that came to nothing."""
    if not _has_few(column):
        return False
    words = [text for text in column.texts if text]
    kinds = dict(zip(words, vocabulary.states_of(words), strict=True))
    states = {kind for kind in kinds.values() if kind}
    return "counted" in states and len(states) > 1 and _are_known(column, kinds)


def tells_types(column: Coded) -> bool:
    """True where nearly all lines are called a sale, a payment or a return, and there are sales and returns."""
    if not _has_few(column):
        return False
    kinds = {text: vocabulary.type_of(text) for text in column.texts if text}
    return {"sale", "return"} <= set(kinds.values()) and _are_known(column, kinds)


def _has_few(column: Coded) -> bool:
    """True where a column has some words, and not more than a status has."""
    return 1 < len(column.values) <= FEW_WORDS + 1


def _are_known(column: Coded, kinds: dict[str, str | None]) -> bool:
    is_known = column.rows_where([bool(kinds.get(text)) for text in column.texts])
    return bool(is_known.mean() >= MOST_LINES)


def numbers_orders(column: Coded, customer: Coded, date: Coded) -> bool:
    """True where each value is of one customer at one time, and orders of several lines have one value."""
    filled = column.rows_where([_is_number(text) for text in column.texts])
    further = int((~filled & ~column.is_empty()).sum())
    if further > FEW_LINES or not filled.size or filled.mean() < FILLED:
        return False
    counts = np.bincount(column.codes[filled], minlength=len(column.values))
    if (counts > 1).sum() < FEW_ORDERS:
        return False
    for other in (customer, date):
        both = filled & ~other.is_empty()
        if not _depends(other.codes[both], column.codes[both]):
            return False
    return _is_shared(column.codes, customer, date)


def _is_number(text: str) -> bool:
    """True for a text that may be the number of an order; a date is none."""
    return bool(re.fullmatch(NUMBER, text)) and not re.match(DATE, text)


def _depends(values: np.ndarray, of: np.ndarray) -> bool:
    """True where each number has one value."""
    pairs = np.unique(np.stack([of, values]), axis=1)
    return len(np.unique(pairs[0])) == pairs.shape[1]


def _is_shared(numbers: np.ndarray, customer: Coded, date: Coded) -> bool:
    """True where many of the orders, by customer and time, have one number on several lines."""
    both = ~customer.is_empty() & ~date.is_empty()
    keys = customer.codes[both].astype(np.int64) * (len(date.values) + 1) + date.codes[both]
    _, group, counts = np.unique(keys, return_inverse=True, return_counts=True)
    several = counts[group] > 1
    if not several.any():  # what is an order's stands on its first line only
        return True
    pairs = np.unique(np.stack([group[several], numbers[both][several]]), axis=1)
    _, of_group = np.unique(pairs[0], return_counts=True)
    return bool((of_group == 1).mean() >= ONE_NUMBER)


def _is_another(name: str) -> bool:
    """True where a name is a common one of another role, as that of a price or a date."""
    spellings = set(names.spellings(name))
    others = (common for role, common in names.common().items() if role != "order_id")
    return any(spellings & set(common) for common in others) or plain(name) in map(plain, columns.WEAK)
