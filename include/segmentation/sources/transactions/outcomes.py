"""Outcomes of orders beside the words of their status: cancelled, not paid, given back, money that went out."""

from collections import Counter

import numpy as np

from segmentation.language.texts import Fact, fact
from segmentation.sources.transactions import flags, orders
from segmentation.sources.transactions.content import Content
from segmentation.sources.transactions.dates import UNREADABLE
from segmentation.sources.transactions.lines import Lines

FEW_LINES, MOST_BELOW = 10, 0.9  # of so many lines and more, such a share below zero is no list of returns


def cancellations(opened: Content, lines: Lines) -> list[str]:
    """Take out the lines of orders that have a date of their cancellation."""
    if lines.cancelled_at is None:
        return []
    gone = lines.cancelled_at != UNREADABLE
    more = int((gone & ~lines.is_out).sum())
    lines.is_out |= gone
    return (
        [fact("left out by '{name}': {lines:,} more lines", name=opened.name_of("cancelled_at"), lines=more)]
        if more
        else []
    )


def flagged(opened: Content, lines: Lines) -> list[str]:
    """Take out what a column of yes and no says was cancelled; say what a column of types calls a return."""
    columns = opened.columns
    notes = []
    for role in ("cancelled", "test", "given_back"):
        if role in columns:
            gone = flags.is_set(columns[role])
            more = _of(opened, role, gone & ~lines.is_out)
            notes += if_any(fact("left out by '{name}': {lines:,} lines", **more), gone)
            lines.is_out |= gone
    if "paid" in columns:
        gone = ~flags.is_set(columns["paid"]) & ~columns["paid"].is_empty()
        notes += if_any(
            fact("not paid by '{name}': {lines:,} lines", **_of(opened, "paid", gone & ~lines.is_out)), gone
        )
        lines.is_out |= gone
    if "type" in columns:
        looks, back = flags.is_no_sale(columns["type"]), flags.is_return(columns["type"])
        lines.is_out |= looks
        notes += if_any(fact("no sales by '{name}': {lines:,} lines", **_of(opened, "type", looks)), looks)
        notes += if_any(
            fact("returns by '{name}', subtracted: {lines:,} lines", **_of(opened, "type", back)), back
        )
    return notes


def gone_out(opened: Content, lines: Lines) -> list[str]:
    """Take out of an account's list what went to those who never paid: bills of the shop, and no returns."""
    if not (opened.export and opened.export.is_account):
        return []
    paid_in = np.zeros(len(lines.customers.values), bool)
    paid_in[lines.customers.codes[lines.paid > 0]] = True
    gone = ~paid_in[lines.customers.codes] & (lines.paid < 0) & ~lines.is_out
    lines.is_out |= gone
    note = fact(
        "money that went out to those who never paid is no sale: {lines:,} lines", lines=int(gone.sum())
    )
    return if_any(note, gone)


def _of(opened: Content, role: str, rows: np.ndarray) -> dict[str, str | int]:
    return {"name": opened.name_of(role), "lines": int(rows.sum())}


def if_any(note: Fact, rows: np.ndarray) -> list[str]:
    """The note, where there are such rows."""
    return [note] if rows.any() else []


def refunds(opened: Content, lines: Lines, refunded: np.ndarray, group: np.ndarray) -> list[str]:
    """Subtract what went back of an order; one of which all went back came to nothing."""
    if not (np.nan_to_num(refunded) != 0).any():
        return []
    before = np.nansum(np.where(lines.is_out, 0, lines.paid))
    lines.paid, is_back = orders.less_refunds(lines.paid, refunded, group)
    lines.is_out |= is_back
    back = before - np.nansum(np.where(lines.is_out, 0, lines.paid))
    return [fact("'{name}' is subtracted from the orders", name=opened.name_of("refunded"))] if back else []


def credit_notes(lines: Lines, amounts: np.ndarray, is_back: np.ndarray, group: np.ndarray) -> list[str]:
    """Take out the notes that give the money of an order back which is out already, because its status says so."""
    below = (amounts < 0) & ~lines.is_out
    if not (is_back.any() and below.any()):
        return []
    sums = np.bincount(group, weights=np.where(is_back, np.nan_to_num(amounts), 0))
    first = np.zeros(len(sums), np.int64)
    first[group[is_back]] = np.flatnonzero(is_back)
    codes = lines.customers.codes
    owed = Counter((int(codes[first[one]]), round(float(sums[one]), 2)) for one in np.flatnonzero(sums > 0))
    twice = np.zeros(len(amounts), bool)
    for row in np.flatnonzero(below):
        note = (int(codes[row]), round(-float(amounts[row]), 2))
        if owed[note] > 0:
            owed[note] -= 1
            twice[row] = True
    lines.is_out |= twice
    note_ = fact(
        "credit notes of orders that are out already by their status: {lines:,} lines", lines=int(twice.sum())
    )
    return if_any(note_, twice)


def turned(lines: Lines) -> list[str]:
    """Turn the signs of a list in which nearly all is below zero, as a ledger has sales and a stock what leaves it."""
    notes: list[str] = []
    for name, what in (("paid", "amounts"), ("price", "prices"), ("pieces", "pieces")):
        values = getattr(lines, name)
        below, above = np.count_nonzero(values < 0), np.count_nonzero(values > 0)
        if below + above >= FEW_LINES and below >= MOST_BELOW * (below + above):
            setattr(lines, name, -values)
            notes.append(
                fact(
                    "nearly all {what} are below zero, and sales are: {lines:,} lines",
                    what=fact(what),
                    lines=below,
                )
            )
    return notes
