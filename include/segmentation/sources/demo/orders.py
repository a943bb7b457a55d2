"""Orders, lines and returns of the demo shop."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from segmentation.sources.demo.calendar import DAY_SECONDS, NEVER, _Clock, _is_sale
from segmentation.sources.demo.catalogue import (
    FREE_POSTAGE_CENTS,
    GIFT_WRAP,
    LIST_CENTS,
    POSTAGE,
    PRODUCT_CODES,
    PRODUCTS_A_CATEGORY,
    UNKNOWN_PRODUCT,
)
from segmentation.sources.demo.chance import Array, _geometric, _hit, _integer, _key, _mix, _stream, _uniform
from segmentation.sources.demo.customers import (
    _alive,
    _categories,
    _customer_numbers,
    _Customers,
    _day_key,
    _start,
)
from segmentation.sources.demo.personas import GIFTS, ONE_TIME, _habits
from segmentation.sources.demo.prices import _with_cuts
from segmentation.sources.demo.rows import _Arrays, _instants, _repeat, _texts, _with_copies

ECHO_DAYS = 30  # an order echoes (return, review) at most so many days later
STATUS_DAYS = 9  # the status of an order is final after so many days
CANCELLED_SHARE = 0.035
CHANNELS = pa.array(["web", "app", "phone"])
WEB, APP, PHONE = range(3)
STATUSES = ["processing", "shipped", "delivered", "cancelled", "returned"]
PROCESSING, SHIPPED, DELIVERED, CANCELLED, RETURNED = range(5)
STATUS_TEXTS = pa.array(STATUSES + [s.upper() for s in STATUSES] + [f" {s.title()}" for s in STATUSES])
DISCOUNT_STEPS = np.array([5, 10, 10, 15, 20, 20, 30, 40, 50])
ORDERS_A_DAY = 100_000_000  # room for order numbers: (day * room + customer) * 10, + 1 for what is sent back


@dataclass(frozen=True)
class _Visits(_Arrays):
    """Sessions of customers ``c`` (position in the block): at most one with an order a customer and day."""

    c: Array
    day: Array
    key: Array
    start: Array  # wall clock, seconds
    length: Array  # seconds


def _visits(who: _Customers, days: Array, kind: str, chance: Array) -> _Visits:
    """Return the sessions of that kind: one where a hash of customer and day falls below the chance."""
    cell = _key(who.key[:, None], days[None, :])
    c, d = np.nonzero(_uniform(cell, kind) < chance)
    key = _mix(cell[c, d] ^ _stream(f"{kind} key"))
    day = days[d]
    start = _start(who, c, _day_key(who, c, day, kind))
    return _Visits(c, day, key, start, _integer(key, "length", 150, 2700))


def _buying(who: _Customers, days: Array) -> _Visits:
    """Return the sessions that end with an order; many accounts are opened to place the first one."""
    chance = who.orders[:, None] * _habits(days)[who.persona] * _alive(who, days)
    first = who.signed_up + np.where(who.persona == ONE_TIME, _integer(who.key, "first order", 0, 3), 0)
    c = np.flatnonzero((first >= days[0]) & (first <= days[-1]))
    chance[c, first[c] - days[0]] = who.trait("first_order", c)
    return _visits(who, days, "order", chance)


def _browsing(who: _Customers, days: Array) -> _Visits:
    """Return the sessions without an order, from the day after the account was opened."""
    chance = who.browsing[:, None] * np.sqrt(_habits(days))[who.persona]
    return _visits(who, days, "browse", chance * _alive(who, days) * (days > who.signed_up[:, None]))


@dataclass(frozen=True)
class _Orders(_Arrays):
    """Outcome of each buying session; instants are seconds, ``NEVER`` is later than all of them."""

    c: Array
    day: Array
    key: Array
    number: Array
    placed: Array
    shipped: Array
    delivered: Array
    cancelled: Array
    sent_back_day: Array
    is_misdated: Array  # ordered_at missing or years ahead: frozen, so that its day stays its day


def _orders(who: _Customers, visit: _Visits, clock: _Clock) -> _Orders:
    key = visit.key
    placed = clock.instant(visit.day, visit.start) + visit.length
    is_misdated = _hit(key, "order_in_future") | _hit(key, "order_without_ordered_at")
    is_cancelled = (_uniform(key, "is cancelled") < CANCELLED_SHARE) & ~is_misdated
    is_sent_back = (_uniform(key, "is sent back") < who.returned[visit.c]) & ~is_cancelled
    cancelled = placed + (3600 * 90.0 ** _uniform(key, "cancelled after")).astype(np.int64)
    shipped = placed + _integer(key, "shipped after", 10 * 3600, 60 * 3600)
    delivered = shipped + _integer(key, "delivered after", 20 * 3600, 110 * 3600)
    is_shipped = ~is_cancelled & ~is_misdated
    return _Orders(
        c=visit.c,
        day=visit.day,
        key=key,
        number=(visit.day * ORDERS_A_DAY + who.index[visit.c]) * 10,
        placed=placed,
        shipped=np.where(is_shipped, shipped, NEVER),
        delivered=np.where(is_shipped, delivered, NEVER),
        cancelled=np.where(is_cancelled, cancelled, NEVER),
        sent_back_day=np.where(is_sent_back, visit.day + _integer(key, "sent back after", 8, 28), NEVER),
        is_misdated=is_misdated,
    )


@dataclass(frozen=True)
class _Lines(_Arrays):
    """Order lines of products; ``o`` is the position of their order."""

    o: Array
    line_no: Array
    key: Array
    product: Array
    pieces: Array
    cents: Array
    discount_percent: Array


def _products(who: _Customers, c: Array, key: Array) -> Array:
    """Return a product for each key: a favourite category or the persona's taste, dearer for some."""
    u = _uniform(key, "category by")
    loyalty = who.trait("loyalty_to_category", c)
    category = np.select(
        [u < 0.65 * loyalty, u < loyalty],
        [who.favourites[0][c], who.favourites[1][c]],
        _categories(who.persona[c], _uniform(key, "category")),
    )
    rank = PRODUCTS_A_CATEGORY * _uniform(key, "product") ** (1.0 / who.price_level[c] ** 2)
    rank = np.minimum(rank.astype(np.int64), PRODUCTS_A_CATEGORY - 1)
    best_seller = rank - rank % 5
    return category * PRODUCTS_A_CATEGORY + np.where(_uniform(key, "is best seller") < 0.4, best_seller, rank)


def _lines(who: _Customers, visit: _Visits) -> _Lines:
    o, rank = _repeat(1 + _geometric(visit.key, "lines", who.lines[visit.c] - 1.0, 29))
    c = visit.c[o]
    key = _key(visit.key[o], rank)
    product, cents = _with_cuts(who, c, visit.day[o], key, _products(who, c, key))
    bulk = np.where(_uniform(visit.key, "is bulk") < 0.003, 8 + _geometric(visit.key, "bulk", 8.0, 90), 1)
    is_sale = _is_sale(visit.day)[o]
    reduced = _uniform(key, "is reduced") < np.clip(who.discount[c] * np.where(is_sale, 1.25, 0.95), 0, 1)
    return _Lines(
        o=o,
        line_no=rank + 1,
        key=key,
        product=product,
        pieces=(1 + _geometric(key, "pieces", np.full(len(o), 0.35), 11)) * bulk[o],
        cents=cents,
        discount_percent=np.where(reduced, DISCOUNT_STEPS[_integer(key, "step", 0, len(DISCOUNT_STEPS))], 0),
    )


def _services(who: _Customers, visit: _Visits, lines: _Lines) -> _Lines:
    """Return the postage of small orders and the wrapping of gifts, one line a service."""
    paid = lines.pieces * lines.cents * (100 - lines.discount_percent) // 100
    total = np.bincount(lines.o, weights=paid, minlength=len(visit.c))
    count = np.bincount(lines.o, minlength=len(visit.c))
    wrap_share = np.where(who.persona[visit.c] == GIFTS, 0.35, 0.04)
    orders_by_product = {
        POSTAGE: np.flatnonzero(total < FREE_POSTAGE_CENTS),
        GIFT_WRAP: np.flatnonzero(_uniform(visit.key, "gift wrap") < wrap_share),
    }
    o = np.concatenate(list(orders_by_product.values()))
    product = np.repeat(list(orders_by_product), [len(a) for a in orders_by_product.values()])
    line_no = count[o] + 1 + ((product == GIFT_WRAP) & (total[o] < FREE_POSTAGE_CENTS))
    ones = np.ones(len(o), dtype=np.int64)
    return _Lines(
        o, line_no, _key(visit.key[o], 1000 + product), product, ones, LIST_CENTS[product], 0 * ones
    )


@dataclass(frozen=True)
class _OrderStates(_Arrays):
    """Orders as they stand at some instant."""

    c: Array
    key: Array
    number: Array
    placed: Array
    status: Array
    cancelled: Array
    changed: Array


def _just_booked(orders: _Orders, key: Array, number: Array, booked: Array, status: int) -> _OrderStates:
    """Return orders to which nothing has happened since they were booked."""
    never = np.full(len(key), NEVER)
    return _OrderStates(orders.c, key, number, booked, np.full(len(key), status), never, booked)


def _order_states(orders: _Orders, now: int) -> _OrderStates:
    """Return the orders as they stand at the instant ``now``."""
    is_cancelled, is_delivered, is_shipped = (
        instant < now for instant in (orders.cancelled, orders.delivered, orders.shipped)
    )
    conditions = [is_cancelled, is_delivered, is_shipped, orders.is_misdated]
    return _OrderStates(
        orders.c,
        orders.key,
        orders.number,
        orders.placed,
        status=np.select(conditions, [CANCELLED, DELIVERED, SHIPPED, DELIVERED], PROCESSING),
        cancelled=np.where(is_cancelled, orders.cancelled, NEVER),
        changed=np.select(
            conditions[:3], [orders.cancelled, orders.delivered, orders.shipped], orders.placed
        ),
    )


def _sales_table(who: _Customers, orders: _Orders, now: int) -> pa.Table:
    """Return the orders as of ``now``, without those the shop lost, with those it kept twice."""
    orders = orders.take(~_hit(orders.key, "order_lost"))
    table = _order_table(who, _order_states(orders, now))
    stale = orders.take(_hit(orders.key, "order_duplicate_stale") & ~orders.is_misdated)
    stale_table = _order_table(who, _just_booked(stale, stale.key, stale.number, stale.placed, PROCESSING))
    return pa.concat_tables([_with_copies(table, _hit(orders.key, "order_duplicate_exact")), stale_table])


def _order_table(who: _Customers, states: _OrderStates) -> pa.Table:
    c, key = states.c, states.key
    future = _hit(key, "order_in_future")
    undated = _hit(key, "order_without_ordered_at") & ~future
    unstamped = _hit(key, "order_without_updated_at") & ~future & ~undated  # one of the two is always right
    untidy = _hit(key, "order_untidy_status") * _integer(key, "untidy", 1, 3)
    return pa.table(
        {
            "order_no": states.number,
            "customer_no": _customer_numbers(who, c, key, "order", _hit(key, "order_without_customer")),
            "ordered_at": _instants(states.placed + future * 3652 * DAY_SECONDS, undated),
            "status": _texts(STATUS_TEXTS, states.status + untidy * len(STATUSES)),
            "cancelled_at": _instants(states.cancelled),
            "channel": _texts(
                CHANNELS, np.where(_uniform(key, "phone") < 0.03, PHONE, _usual_channel(who, c))
            ),
            "currency": _texts(pa.array(["EUR"]), 0 * c, _hit(key, "order_without_currency")),
            "updated_at": _instants(states.changed, unstamped),
        }
    )


def _usual_channel(who: _Customers, c: Array) -> Array:
    return np.where(_uniform(who.key[c], "channel") < 0.35, APP, WEB)


def _line_table(number: Array, created: Array, lines: _Lines) -> pa.Table:
    """Return the rows of lines; a line is written in the same transaction as its order."""
    key = lines.key ^ number.astype(np.uint64)
    price = np.select(
        [_hit(key, "line_absurd_price"), _hit(key, "line_negative_price")],
        [9_999_999.0, -lines.cents / 100.0],
        lines.cents / 100.0,
    )
    table = pa.table(
        {
            "order_no": number,
            "line_no": lines.line_no,
            "product_code": _texts(
                PRODUCT_CODES,
                np.where(_hit(key, "line_unknown_product"), UNKNOWN_PRODUCT, lines.product),
                _hit(key, "line_without_product"),
            ),
            "pieces": np.where(_hit(key, "line_zero_quantity"), 0, lines.pieces),
            "unit_price": pa.array(price, mask=_hit(key, "line_without_price")),
            "discount_percent": lines.discount_percent,
            "created_at": _instants(created),
        }
    )
    return _with_copies(table, _hit(key, "line_duplicate_exact"))


def _sent_back(lines: _Lines, orders: _Orders, days: range) -> _Lines:
    """Return the lines that come back within ``days``: negative pieces at the price that was paid."""
    due = orders.sent_back_day[lines.o]
    back = lines.take((due >= days.start) & (due < days.stop) & _is_unwanted(lines.key))
    paid = np.rint(back.cents * (100 - back.discount_percent) / 100.0).astype(np.int64)
    key = _mix(back.key ^ _stream("sent back"))
    return _Lines(back.o, back.line_no, key, back.product, -back.pieces, paid, 0 * back.discount_percent)


def _is_unwanted(line_key: Array) -> Array:
    """Return which lines go back if their order does."""
    return _uniform(line_key, "is sent back") < 0.6


def _return_tables(
    who: _Customers, orders: _Orders, lines: _Lines, days: range, clock: _Clock
) -> tuple[pa.Table, pa.Table]:
    """Return the orders (status returned) and lines of what is sent back within ``days``."""
    back = _sent_back(lines, orders, days)
    o, which = np.unique(back.o, return_inverse=True)
    source = orders.take(o)
    key, number = _mix(source.key ^ _stream("sent back")), source.number + 1
    booked = clock.instant(source.sent_back_day, _integer(key, "booked at", 9 * 3600, 17 * 3600))
    order_table = _order_table(who, _just_booked(source, key, number, booked, RETURNED))
    return order_table, _line_table(number[which], booked[which], back)
