"""Browsing events of the demo shop."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segmentation.sources.demo.calendar import _Clock
from segmentation.sources.demo.catalogue import PRODUCT_CODES
from segmentation.sources.demo.chance import Array, _geometric, _hit, _integer, _key, _uniform
from segmentation.sources.demo.customers import _customer_numbers, _Customers
from segmentation.sources.demo.orders import APP, _Lines, _products, _usual_channel, _Visits
from segmentation.sources.demo.rows import _Arrays, _id, _instants, _repeat, _texts, _with_copies

EVENT_KINDS = ["page_view", "add_to_cart", "checkout_start", "order_placed", "search", "wishlist_add"]
VIEW, CART, CHECKOUT, PURCHASE, SEARCH, OTHER = range(6)


@dataclass(frozen=True)
class _Events(_Arrays):
    """Events in the order of their sessions ``s``; a product of -1 is none."""

    s: Array
    rank: Array
    key: Array
    kind: Array
    product: Array


def _browsing_events(who: _Customers, visit: _Visits) -> _Events:
    """Return the events of sessions without an order."""
    s, rank = _repeat(1 + _geometric(visit.key, "events", who.trait("events", visit.c) - 1.0, 59))
    key, c = _key(visit.key[s], rank), visit.c[s]
    u, carts = _uniform(key, "kind"), who.trait("carts", c)
    kind = np.select([u < carts, u < carts + 0.14, u < carts + 0.19], [CART, SEARCH, OTHER], VIEW)
    return _Events(s, rank, key, kind, np.where(kind == SEARCH, -1, _products(who, c, key)))


def _buying_events(who: _Customers, visit: _Visits, lines: _Lines) -> _Events:
    """Return the events of sessions with an order: a look round, each line seen and taken, the till.

    ``lines`` are those of the same visits, in their order; the last event is the order itself.
    """
    bought = np.bincount(lines.o, minlength=len(visit.c))
    look_round = _geometric(visit.key, "extra events", np.full(len(visit.c), 1.5), 20)
    s, rank = _repeat(look_round + 2 * bought + 2)
    key, step, till = _key(visit.key[s], rank), rank - look_round[s], 2 * bought[s]
    look = np.where(_uniform(key, "kind") < 0.25, SEARCH, VIEW)
    take = np.where(step % 2 == 0, VIEW, CART)
    kind = np.select([step < 0, step < till, step == till], [look, take, CHECKOUT], PURCHASE)
    line = (np.cumsum(bought) - bought)[s] + np.clip(step, 0, till - 1) // 2
    product = np.where(step < 0, _products(who, visit.c[s], key), lines.product[line])
    return _Events(s, rank, key, kind, np.where((kind == SEARCH) | (step >= till), -1, product))


def _event_times(visit: _Visits, events: _Events) -> tuple[Array, Array]:
    """Return seconds since the start of the session and seconds until the next event.

    The last event of a session closes it (an order is placed exactly then) and lasts a moment.
    """
    count = np.bincount(events.s, minlength=len(visit.c))[events.s]
    is_last = events.rank == count - 1
    share = np.where(is_last, 1.0, (events.rank + 0.9 * _uniform(events.key, "pause")) / count)
    after = np.where(count == 1, 0, share * visit.length[events.s]).astype(np.int64)
    seconds = np.where(is_last, 5 + 40 * _uniform(events.key, "last look"), np.append(after[1:], 0) - after)
    return after, seconds


def _event_table(
    who: _Customers, visit: _Visits, events: _Events, clock: _Clock, is_anonymous: Array | None = None
) -> pa.Table:
    key, session = events.key, visit.take(events.s)
    after, seconds = _event_times(visit, events)
    occurred = clock.instant(session.day, session.start) + after
    offset = clock.offset(session.day, session.start)
    absurd = np.where(_uniform(key, "absurd") < 0.5, -1.0, 400_000.0)
    missing = None if is_anonymous is None else is_anonymous[events.s]
    table = pa.table(
        {
            "event_no": _id(key),
            "session_no": _id(session.key),
            "customer_no": _customer_numbers(who, session.c, key, "event", missing),
            "occurred_at_text": _event_clock_texts(who, session.c, key, occurred, offset),
            "received_at": _instants(occurred + _integer(key, "latency", 0, 4)),
            "kind": _texts(pa.array(EVENT_KINDS), events.kind),
            "product_code": _texts(PRODUCT_CODES, np.maximum(events.product, 0), events.product < 0),
            "seconds_on_page": pa.array(
                np.round(np.where(_hit(key, "event_absurd_duration"), absurd, seconds), 1),
                mask=_hit(key, "event_without_duration"),
            ),
        }
    )
    return _with_copies(table, _hit(key, "event_duplicate_exact"))


def _event_clock_texts(who: _Customers, c: Array, key: Array, occurred: Array, offset: Array) -> pa.Array:
    """Return when an event happened, as its server wrote it.

    The web server writes local time with its offset, the app UTC with a Z, the till in the shop local time
    without any offset. Two servers lie: one stamps UTC with the local offset, one local time with a Z.
    """
    is_app = _usual_channel(who, c) == APP
    is_till = ~is_app & (_uniform(key, "till") < 0.03)
    utc_as_local = _hit(key, "event_utc_as_local")
    local_as_utc = _hit(key, "event_local_as_utc") & ~utc_as_local
    wall = occurred + np.where((is_app | utc_as_local) & ~local_as_utc, 0, offset)
    offsets, which = np.unique(offset, return_inverse=True)
    suffixes = pa.array([*map(_offset_text, offsets), "Z", ""])
    zulu, bare = len(offsets), len(offsets) + 1
    suffix = np.select([utc_as_local, local_as_utc | is_app, is_till], [which, zulu, bare], which)
    texts = pc.binary_join_element_wise(
        pa.array(wall).cast(pa.timestamp("s")).cast(pa.string()), _texts(suffixes, suffix), ""
    )
    texts = pc.if_else(pa.array(_hit(key, "event_zero_date")), "0000-00-00 00:00:00", texts)
    return pc.if_else(pa.array(_hit(key, "event_without_time")), pa.scalar(None, pa.string()), texts)


def _offset_text(seconds: int) -> str:
    minutes = abs(int(seconds)) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
