"""Totals of orders among the lines of a file: put aside where they stand beside them, spread where they repeat."""

import numpy as np

from segmentation.language.texts import fact
from segmentation.sources.transactions import names, orders, people, vocabulary
from segmentation.sources.transactions.content import Content
from segmentation.sources.transactions.lines import Lines


def _named_sums(opened: Content, group: np.ndarray) -> np.ndarray:
    """Mask of the lines whose product is called a sum, of orders that have other lines."""
    mask = np.zeros(opened.rows, bool)
    for role in ("product_id", "product_name"):
        if role in opened.columns:
            mask |= opened.columns[role].where(people.NO_NUMBER, vocabulary.is_total)
    if mask.any():
        others = np.bincount(group, weights=~mask)
        mask &= others[group] > 0
    return mask


def put_aside(opened: Content, lines: Lines, amounts: np.ndarray | None, group: np.ndarray) -> list[str]:
    """Put aside lines that have the sum of the other lines of their order, and would count it a second time."""
    if lines.orders is None or amounts is None:
        return []
    heads = orders.heads(amounts, group) | _named_sums(opened, group)
    if not heads.any():
        return []
    lines.is_total = lines.is_total | heads
    lines.paid = np.where(heads, np.nan, lines.paid)
    return [fact("lines with the sum of the other lines of their order: {lines:,}", lines=int(heads.sum()))]


def spread(opened: Content, lines: Lines, group: np.ndarray, worth: np.ndarray | None) -> list[str]:
    """Spread totals of orders over their lines, where the amount is one."""
    role = "order_total" if "order_total" in opened.places else "amount"
    if lines.orders is None or not (np.bincount(group) > 1).any():
        return []
    is_own = names.is_of_line(opened.name_of(role))
    if role == "amount" and (is_own or not orders.is_total(lines.paid, group, worth)):
        return []
    several = int((np.bincount(group) > 1).sum())
    lines.paid = orders.spread(lines.paid, group, worth)
    return [
        fact(
            "'{name}' is the total of an order and counts once: {orders:,} orders of several lines",
            name=opened.name_of(role),
            orders=several,
        )
    ]
