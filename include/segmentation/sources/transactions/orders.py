"""Orders: fields on its first line only, its total, what became of it, and when it is one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segmentation.language.texts import fact
from segmentation.sources.transactions import vocabulary
from segmentation.sources.transactions.coded import Coded, numbered, pieces

ALL = 0.99  # of the orders of several lines must look alike
FEW_ORDERS = 3  # of several lines, where nothing else tells that an amount is the order's total
MOST = 0.8  # of the products that come again have one amount, where it is theirs
CHANCE = 0.001
CENT, MANY_LINES = 0.005, 3  # lines of an order of which one has hardly the sum of the others by chance
PREFIX = slice(0, 100_000)  # lines of which most files show at once that their amounts are no orders' totals
CONTINUED_SHARE = 0.1  # of the lines, at least, where orders go on without a number
CLOCKS = "the times behind the days"
OF_AN_ORDER = (
    "customer_id",
    "ordered_at",
    "time_of_day",
    "status",
    "payment_status",
    "delivery_status",
    "currency",
    "cancelled_at",
)


def fill_down(
    columns: dict[str, Coded], clocks: Coded | None
) -> tuple[dict[str, Coded], Coded | None, Sequence[str]]:
    """The columns with what stands only on the first line of an order on all its lines; and what is said of it.

    The times of day that were cut off behind the days go with them.
    """
    columns = {**columns, CLOCKS: clocks} if clocks is not None else dict(columns)
    columns, continued = _continued(columns)
    columns, headed = _headed(columns)
    continued |= headed
    filled = np.zeros(len(columns["customer_id"].codes), bool)
    if "order_id" in columns:
        order = columns["order_id"]
        has_order = ~order.is_empty()
        for role in OF_AN_ORDER:
            if role in columns and role != "order_id":
                gaps, first = _gaps(columns[role], order.codes, has_order)
                together = [role, CLOCKS] if role == "ordered_at" and CLOCKS in columns else [role]
                for name in together if len(gaps) else ():
                    columns[name] = columns[name].put(gaps, columns[name].codes[first])
                if role in ("customer_id", "ordered_at"):
                    filled[gaps] = True
    lines = int((filled | continued).sum())
    notes = [
        fact(
            "customer and date of an order's first line stand for its other lines, too: {lines:,} lines filled down",
            lines=lines,
        )
    ]
    clocks = columns.pop(CLOCKS, None)
    return columns, clocks, notes if lines else []


def _gaps(column: Coded, orders: np.ndarray, has_order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows that are empty, and for each the first row of its order that is filled."""
    empty = column.is_empty()
    gaps = np.flatnonzero(empty & has_order)
    if not len(gaps):
        return gaps, gaps
    rows = np.flatnonzero(~empty & has_order)[::-1]
    first = np.full(int(orders.max(initial=-1)) + 1, -1)
    first[orders[rows]] = rows
    gaps = gaps[first[orders[gaps]] >= 0]
    return gaps, first[orders[gaps]]


def _continued(columns: dict[str, Coded]) -> tuple[dict[str, Coded], np.ndarray]:
    """Lines without number, customer and date go on with the order above, where many lines do so."""
    keys = [role for role in ("order_id", "customer_id", "ordered_at") if role in columns]
    bare = np.logical_and.reduce([columns[role].is_empty() for role in keys])
    what = [role for role in ("product_id", "quantity") if role in columns]
    if what:  # a sum has no product
        bare &= np.logical_or.reduce([~columns[role].is_empty() for role in what])
    none = np.zeros(len(bare), bool)
    if bare.sum() < 2 or bare[0] or bare.sum() < CONTINUED_SHARE * len(bare):
        return columns, none
    if not what and bare.sum() == int(bare[::-1].argmin()):  # only at the end: sums, and no lines
        return columns, none
    above = np.maximum.accumulate(np.where(bare, -1, np.arange(len(bare))))
    roles = {*keys, *OF_AN_ORDER, CLOCKS} & set(columns)
    changed = {role: columns[role].put(bare, columns[role].codes[above[bare]]) for role in roles}
    return {**columns, **changed}, bare


def _headed(columns: dict[str, Coded]) -> tuple[dict[str, Coded], np.ndarray]:
    """Lines without a customer, or without a date, have the one that stands alone in a line above, as in a report by
    groups.
    """
    heads = np.zeros(len(columns["customer_id"].codes), bool)
    for role, of_lines in (("customer_id", "ordered_at"), ("ordered_at", "customer_id")):
        columns, filled = _headed_by(columns, role, of_lines)
        heads |= filled
    return columns, heads


def _headed_by(columns: dict[str, Coded], role: str, of_lines: str) -> tuple[dict[str, Coded], np.ndarray]:
    """The same by one role; the lines of a group are those with the other one."""
    column, is_line = columns[role], ~columns[of_lines].is_empty()
    own = {role, CLOCKS} if role == "ordered_at" else {role}
    is_named = ~column.is_empty()
    others = [other.is_empty() for name, other in columns.items() if name not in own | {CLOCKS}]
    heads = is_named & np.logical_and.reduce(others)
    none = np.zeros(len(heads), bool)
    if (
        heads.sum() < 2
        or not is_line.any()
        or (is_named & is_line).any()
        or not heads[: is_line.argmax()].any()
    ):
        return columns, none
    above = np.maximum.accumulate(np.where(heads, np.arange(len(heads)), -1))[is_line]
    changed = {name: columns[name].put(is_line, columns[name].codes[above]) for name in own & set(columns)}
    return {**columns, **changed}, is_line


def groups(order: Coded, customers: np.ndarray) -> np.ndarray:
    """A number for each order of a customer; a line without an order number is one alone."""
    empty = order.is_empty()
    if not empty.any() and not shared(order.codes, customers, len(order.values)).any():
        return order.codes
    keys = order.codes.astype(np.int64) * (int(customers.max(initial=0)) + 2) + customers + 1
    keys[empty] = -1 - np.arange(int(empty.sum()))
    return numbered(keys)


def shared(order: np.ndarray, customers: np.ndarray, count: int) -> np.ndarray:
    """Mask of the `count` order numbers that several customers have."""
    one = np.zeros(count, customers.dtype)
    for part in pieces(len(order)):
        one[order[part]] = customers[part]  # of several customers any one
    mask = np.zeros(count, bool)
    for part in pieces(len(order)):
        number = order[part]
        mask[number[one[number] != customers[part]]] = True
    return mask


def heads(amount: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Mask of the lines that have the sum of the other lines of their order: its first ones, or its last ones.

    So it must be in nearly all orders of several lines with an amount, and in some of three lines and more.
    """
    mask = np.zeros(len(amount), bool)
    if len(amount) > PREFIX.stop and not heads(amount[PREFIX], group[PREFIX]).any():
        return mask
    rows = np.flatnonzero(~np.isnan(amount))
    of, values = group[rows], amount[rows]
    counts = np.bincount(of)
    longer = counts >= MANY_LINES
    if longer.sum() < FEW_ORDERS:
        return mask
    sums = np.bincount(of, weights=values)
    for order in (
        slice(None, None, -1),
        slice(None),
    ):  # what is written last stays: the first line, then the last
        one = np.zeros(len(counts), np.int64)
        one[of[order]] = rows[order]
        is_sum = (np.abs(sums - 2 * amount[one]) < CENT) & (np.abs(amount[one]) >= CENT)
        if is_sum[counts > 1].mean() >= ALL and is_sum[longer].mean() >= ALL:
            mask[one[is_sum & (counts > 1)]] = True
            break
    return mask


def is_total(amount: np.ndarray, group: np.ndarray, worth: np.ndarray | None) -> bool:
    """True where an amount is the order's: the same on each of its lines, or only on the first one.

    `worth` is quantity times price, where the file has them: the sum of it must come near the total.
    """
    counts = np.bincount(group)
    orders = int((counts > 1).sum())
    if not orders:
        return False
    present = ~np.isnan(amount)
    of_several = counts > 1
    if any(
        _are_varied(amount[rows], present[rows], group[rows], of_several) for rows in (PREFIX, slice(None))
    ):
        return False
    several = of_several[group]
    low, high = _spread(amount, group)
    is_constant = (high - low) <= 1e-9 * np.maximum(np.abs(high), 1)
    lone = np.bincount(group, weights=present) == 1
    if not present.any() or (~np.isnan(low[of_several])).mean() < ALL:
        return False
    if (is_constant | lone)[of_several].mean() < ALL:
        return False
    if worth is not None and np.isfinite(worth[several]).mean() > ALL:
        return _fits(low, np.nan_to_num(worth), group, of_several)
    if lone[of_several].mean() >= ALL:
        return orders >= 2
    return _is_no_chance(amount[several & present], low[of_several], int(counts[of_several].sum()) - orders)


def repeat(amount: np.ndarray, group: np.ndarray, product: np.ndarray) -> bool:
    """True where what one customer has at one time are several products with one amount, in orders without a number.

    By chance hardly all lines of a group would have the amount of its first one.
    """
    counts = np.bincount(group)
    several = (counts > 1)[group] & ~np.isnan(amount)
    if (counts > 1).sum() < FEW_ORDERS or several.sum() < (counts > 1)[group].sum():
        return False
    pairs = np.unique(np.stack([group[several], product[several]]), axis=1)
    is_varied = np.bincount(pairs[0], minlength=len(counts))[counts > 1] == counts[counts > 1]
    low, high = _spread(amount, group)
    is_constant = (high - low)[counts > 1] <= 1e-9 * np.maximum(np.abs(high[counts > 1]), 1)
    if is_varied.mean() < ALL or is_constant.mean() < ALL:
        return False
    _, alike = np.unique(amount[several], return_counts=True)
    chance = float(((alike / alike.sum()) ** 2).sum())
    return chance < 1 and chance ** int(several.sum() - (counts > 1).sum()) < CHANCE


def is_of_products(amount: np.ndarray, group: np.ndarray, product: np.ndarray) -> bool:
    """True where an amount is its product's: most products of several orders have one amount in all of them.

    Of what costs alike, people buy several at a time: that is no total.
    """
    rows = np.flatnonzero(~np.isnan(amount))
    pairs = np.unique(np.stack([product[rows], group[rows]]), axis=1)
    orders_of = np.bincount(pairs[0])
    low, high = _spread(amount[rows], product[rows])
    comes_again = orders_of > 1
    if comes_again.sum() < FEW_ORDERS:
        return False
    is_constant = (high - low)[comes_again] <= 1e-9 * np.maximum(np.abs(high[comes_again]), 1)
    return bool(is_constant.mean() >= MOST)


def _are_varied(amount: np.ndarray, present: np.ndarray, group: np.ndarray, of_several: np.ndarray) -> bool:
    """True where the lines of many orders have several amounts, told by one of each order.

    Of some lines, what more lines would show is never less.
    """
    one = np.zeros(len(of_several))
    one[group[present]] = amount[present]
    expected = one[group]
    varied = np.zeros(len(of_several), bool)
    varied[group[present & (np.abs(amount - expected) > 1e-9 * np.maximum(np.abs(expected), 1))]] = True
    return bool((~varied)[of_several].mean() < ALL)


def _is_no_chance(amounts: np.ndarray, totals: np.ndarray, further: int) -> bool:
    """True where the further lines would hardly all have the amount of their order's first by chance."""
    if len(np.unique(totals)) >= FEW_ORDERS and len(totals) >= FEW_ORDERS:
        return True
    _, counts = np.unique(amounts, return_counts=True)
    alike = float(((counts / counts.sum()) ** 2).sum())
    return alike < 1 and alike**further < CHANCE


def _fits(total: np.ndarray, worth: np.ndarray, group: np.ndarray, of_several: np.ndarray) -> bool:
    """True where totals are nearer to the sum of the lines than to a single one of them."""
    sums = np.bincount(group, weights=worth)[of_several]
    means = sums / np.bincount(group)[of_several]
    of = np.abs(total[of_several])
    return bool(np.median(np.abs(of - sums)) <= np.median(np.abs(of - means)))


def _spread(amount: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest amount of each order, NaN where it has none."""
    count = int(group.max(initial=-1)) + 1
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    present = ~np.isnan(amount)
    np.minimum.at(low, group[present], amount[present])
    np.maximum.at(high, group[present], amount[present])
    low[np.isinf(low)], high[np.isinf(high)] = np.nan, np.nan
    return low, high


def spread(total: np.ndarray, group: np.ndarray, worth: np.ndarray | None) -> np.ndarray:
    """The total of each order on its lines, by what they are worth, to the cent; the last line takes the
    rest.
    """
    low, high = _spread(total, group)
    of_order = np.where(np.isnan(high), low, high)
    weights = np.ones(len(group)) if worth is None else np.abs(np.nan_to_num(worth))
    sums = np.bincount(group, weights=weights)
    counts = np.bincount(group)
    share = np.where(sums[group] > 0, weights / np.where(sums[group] > 0, sums[group], 1), 1 / counts[group])
    is_alone = counts[group] == 1
    part = np.where(is_alone, of_order[group], np.round(of_order[group] * share, 2))
    last = np.zeros(len(counts), np.int64)
    last[group] = np.arange(len(group))
    rest = of_order - np.bincount(group, weights=np.nan_to_num(part))
    part[last[~np.isnan(rest)]] += np.round(rest[~np.isnan(rest)], 6)
    return np.round(part, 6)


def less_refunds(paid: np.ndarray, refunded: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Amounts less what went back of their order; and the lines of orders of which all went back.

    What went back is of the order where all of its lines show the same, else of the line.
    """
    back = np.abs(np.nan_to_num(refunded))
    of_order: np.ndarray
    if _is_of_lines(paid, back, group):
        of_order = np.bincount(group, weights=back)
    else:
        of_order = np.zeros(int(group.max(initial=-1)) + 1)
        np.maximum.at(of_order, group, back)
    sums = np.bincount(group, weights=np.nan_to_num(np.maximum(paid, 0)))
    is_back = (of_order > 0) & (of_order >= sums - 0.005)
    share_left = np.where(
        (of_order > 0) & ~is_back & (sums > 0), 1 - of_order / np.where(sums > 0, sums, 1), 1
    )
    less = np.where(share_left[group] < 1, np.round(paid * share_left[group], 6), paid)
    return less, is_back[group]


def _is_of_lines(paid: np.ndarray, back: np.ndarray, group: np.ndarray) -> bool:
    """True where lines of one order show different refunds, or each line its own amount."""
    several = (np.bincount(group) > 1)[group] & (back > 0)
    if not several.any():
        return False
    low, high = _spread(np.where(back > 0, back, np.nan), group)
    of_order = group[several]
    differ = (high - low)[of_order] > 0.005
    return bool(differ.any() or (np.abs(back - np.abs(paid))[several] <= 0.005).all())


@dataclass(frozen=True)
class States:
    """Masks of the lines of orders that came to nothing, that went back, and whose words are not known."""

    name: str
    is_cancelled: np.ndarray
    is_back: np.ndarray
    is_unknown: np.ndarray

    @property
    def is_out(self) -> np.ndarray:
        """Mask of the lines that do not count."""
        return self.is_cancelled | self.is_back

    def notes(self, before: np.ndarray) -> Sequence[str]:
        """Sentences on what the words take out that is not out already, and on the words that are not known."""
        cancelled, back = self.is_cancelled & ~before, self.is_back & ~before
        sentences = []
        if (cancelled | back).any():
            sentences.append(
                fact(
                    "left out by '{name}': {lines:,} lines of orders cancelled, failed, void or not paid, {back:,} of "
                    "orders whose money went back",
                    name=self.name,
                    lines=int(cancelled.sum()),
                    back=int(back.sum()),
                )
            )
        if self.is_unknown.any():
            sentences.append(
                fact(
                    "words in '{name}' that are not known count as sales: {lines:,} lines "
                    "(include/config/vocabulary.yaml has the known ones)",
                    name=self.name,
                    lines=int(self.is_unknown.sum()),
                )
            )
        return sentences


def states(status: Coded, name: str, amounts: np.ndarray) -> States:
    """Decide which orders count by the words of their status; a word that is not known counts, and is said."""
    kinds = vocabulary.states_of(status.texts)
    out = status.rows_where([kind in ("cancelled", "unpaid") for kind in kinds])
    back = status.rows_where([kind == "refunded" for kind in kinds])
    back &= ~(amounts < 0)  # a credit note counts, below zero
    return States(name, out, back, status.rows_where([kind is None for kind in kinds]))
