"""Totals of a file: customers, orders, lines and revenue, counted as the night will count them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from segmentation.language.texts import fact
from segmentation.sources.transactions import clock, orders, zones
from segmentation.sources.transactions.coded import distinct, numbered, pieces
from segmentation.sources.transactions.dates import UNREADABLE
from segmentation.sources.transactions.lines import Lines, Reading

MUCH = 0.3  # of the orders or of the revenue, of one customer
FEW_CUSTOMERS = 5  # of which one may well have much


@dataclass(frozen=True)
class Counts:
    """Figures of a file. `orders`, `lines` and `revenue` are of what counts: nothing cancelled, returns
    subtracted.

    `guests` are orders without a customer, whatever became of them; `quarantined` are lines.
    """

    customers: int
    orders: int
    lines: int
    revenue: float
    first: str | None
    last: str | None
    last_day: date | None
    guests: int
    quarantined: int
    warnings: list[str]


def of(reading: Reading) -> Counts:
    """The figures of a file that was read."""
    lines = reading.lines
    dated = reading.is_dated
    amount = revenue(reading)
    has_money = ~np.isnan(amount) & ~np.isnan(lines.pieces) & (lines.pieces != 0)
    counted = dated & ~lines.is_out & has_money
    no_customer = lines.customers.is_empty()
    instants = placed_at(reading)
    order = order_numbers(reading, instants)
    of_dated = _only(instants, dated)
    ends = (of_dated.min(), of_dated.max()) if len(of_dated) else ()
    first, last = (_written(end, reading) for end in ends) if ends else (None, None)
    now = datetime.now(UTC).timestamp() * clock.SECOND
    past = of_dated if not ends or ends[1] <= now else of_dated[of_dated <= now]
    last_day = _local(past.max(), reading).date() if len(past) else None
    return Counts(
        customers=distinct(_only(lines.customers.codes, dated & ~no_customer)),
        orders=distinct(_only(order, counted)),
        lines=int(counted.sum()),
        revenue=round(float(np.round(_only(amount, counted), 6).sum()), 2) + 0.0,
        first=first,
        last=last,
        last_day=last_day,
        guests=distinct(order[dated & no_customer]),
        quarantined=int((~dated | (dated & ~has_money)).sum()) + len(reading.content.invalid),
        warnings=[
            *(
                []
                if counted.any()
                else [fact("warning: no line counts: all came to nothing, or have no amount")]
            ),
            *_concentrated(reading, counted & ~no_customer, order, amount),
        ],
    )


def _only(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The values of the rows of a mask; nearly always of all."""
    return values if mask.all() else values[mask]


def revenue(reading: Reading) -> np.ndarray:
    """Revenue of each line, below zero for what went back; NaN where its money is not known."""
    lines = reading.lines
    if not reading.is_priced:
        is_return = (lines.pieces < 0) | (lines.paid < 0)
        return np.where(is_return, -np.abs(lines.paid), np.abs(lines.paid))
    return of_prices(lines, reading.is_share)


def of_prices(lines: Lines, is_share: bool) -> np.ndarray:
    """Revenue of each line by its price, its pieces and its discount."""
    is_return = (lines.pieces < 0) | (lines.price < 0)
    gross = np.abs(lines.price * lines.pieces)
    less = gross * lines.reduction if is_share else lines.reduction
    return np.where(is_return, -gross, gross - less)


def placed_at(reading: Reading) -> np.ndarray:
    """The instant of each line: of a file of days the beginning of the shop's day."""
    moments = reading.lines.moments
    if not reading.is_day_only:
        return moments.instant
    return zones.localized(moments.written, reading.timezone)


def order_numbers(reading: Reading, instants: np.ndarray) -> np.ndarray:
    """A number for each order, none far above their count: its own, else the customer and the instant.

    A number that several customers have, or that returns on another day, is several orders.
    """
    lines = reading.lines
    customers = np.where(lines.customers.is_empty(), np.int32(-1), lines.customers.codes)
    wall = lines.moments.written
    if lines.is_elsewhere and not reading.is_day_only:
        wall = zones.wall_clock(instants, reading.timezone)
    day = np.empty(len(wall), np.int32)
    for part in pieces(len(wall)):
        day[part] = wall[part] // clock.DAY
    if lines.orders is None:
        return numbered(_by_instant(customers, instants))
    number, count = lines.orders.codes, len(lines.orders.values)
    has_order, is_sure = ~lines.orders.is_empty(), customers >= 0
    is_sure &= has_order
    sure = slice(None) if is_sure.all() else is_sure
    is_shared = orders.shared(number[sure], customers[sure], count)
    is_several = is_shared | orders.shared(number, day, count)
    if not is_several.any() and has_order.all():
        return number
    keys = number.astype(np.int64)
    rest = is_several[number] | ~has_order
    if rest.any():
        of_customer = np.where(is_shared[number[rest]], customers[rest], -2)
        with_number = _pair(_pair(keys[rest], of_customer), day[rest])
        without = _by_instant(customers[rest], instants[rest]) + with_number.max() + 1
        alone = (customers[rest] < 0) & ~has_order[rest]
        without = np.where(alone, -1 - np.arange(len(without)), without)
        keys[rest] = count + numbered(np.where(has_order[rest], with_number, without))
    return keys


def _by_instant(customers: np.ndarray, instants: np.ndarray) -> np.ndarray:
    """A number for each customer and instant; a line without a customer is one alone."""
    keys = _pair(customers, numbered(instants))
    return np.where(customers < 0, -1 - np.arange(len(customers)), keys)


def _pair(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One number for two; the second is brought near zero before."""
    second = second.astype(np.int64) - (second.min() if len(second) else 0)
    return (first.astype(np.int64) - (first.min() if len(first) else 0)) * (
        int(second.max(initial=0)) + 1
    ) + second


def _local(instant: int, reading: Reading) -> datetime:
    from zoneinfo import ZoneInfo

    seconds, micros = divmod(int(instant), clock.SECOND)
    return datetime.fromtimestamp(seconds, ZoneInfo(reading.timezone)).replace(microsecond=micros)


def _written(instant: int, reading: Reading) -> str | None:
    if instant == UNREADABLE:
        return None
    local = _local(instant, reading)
    return local.date().isoformat() if reading.is_day_only else local.isoformat()


def _concentrated(reading: Reading, counted: np.ndarray, order: np.ndarray, amount: np.ndarray) -> list[str]:
    """A warning where one customer has much of everything, as a guest under a name of the shop's own has."""
    codes = _only(reading.lines.customers.codes, counted)
    if not len(codes) or distinct(codes) < FEW_CUSTOMERS:
        return []
    of = _only(order, counted)
    buyers = np.full(int(of.max()) + 1, -1, np.int32)
    for part in pieces(len(of)):
        buyers[of[part]] = codes[part]
    per_customer = np.bincount(buyers[buyers >= 0])
    spent = np.bincount(codes, weights=np.maximum(_only(amount, counted), 0))
    of_orders, of_revenue = per_customer.max() / per_customer.sum(), spent.max() / max(spent.sum(), 1e-9)
    if max(of_orders, of_revenue) < MUCH:
        return []
    return [
        fact(
            "warning: one customer has {orders:.0%} of the orders, and one {revenue:.0%} of the revenue: is that a "
            "person, or what the shop writes for guests?",
            orders=float(of_orders),
            revenue=float(of_revenue),
        )
    ]
