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
    is_own = names.is_of_line(opened.name_of(role))
    if lines.orders is None:
        return [] if is_own else _spread_unnumbered(opened, lines, role, worth)
    if not (np.bincount(group) > 1).any():
        return []
    if role == "amount" and (is_own or not orders.is_total(lines.paid, group, worth)):
        return []
    if role == "amount" and worth is None and _is_of_products(lines, group):
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


def _is_of_products(lines: Lines, group: np.ndarray) -> bool:
    """True where an amount is that of its product in whatever order it stands."""
    return lines.products is not None and orders.is_of_products(lines.paid, group, lines.products.codes)


def _spread_unnumbered(opened: Content, lines: Lines, role: str, worth: np.ndarray | None) -> list[str]:
    """Spread an amount that all products of a customer at one time have, where orders have no number."""
    if lines.products is None:
        return []
    codes, times = lines.customers.codes.astype(np.int64), lines.moments.written
    keys = np.stack([codes, times, np.where(lines.customers.is_empty(), np.arange(len(codes)), -1)])
    _, group = np.unique(keys, axis=1, return_inverse=True)
    group = group.reshape(-1)
    if not orders.repeat(lines.paid, group, lines.products.codes) or _is_of_products(lines, group):
        return []
    lines.paid = orders.spread(lines.paid, group, worth)
    return [
        fact(
            "'{name}' is the same for all products of a customer at one time: it is taken as the total of an order and "
            "counts once (COLUMNS=order_id= names the order)",
            name=opened.name_of(role),
        )
    ]
