"""A believable demo shop: customers, orders, lines, events and reviews with planted segments and dirt.

The shop lives in the schema ``demo`` of the shop database and only ever grows. Every row is a pure
function of (seed, number of customers, customer, day): random numbers are hashes of exactly these
(counter-based, as in splitmix64), never the next draw of a generator. So thirty nights of one day and
one load of thirty days give the same rows, blocks of customers can be made in any order, and memory
stays constant. What changes after its day (the status of an order, a customer who moves, a planted
label) is a function of the last generated day besides, and is written again when the shop grows.

Customers sign up at a constant pace on an absolute calendar: customer ``i`` joins on day
``i * span // customers``. The shop that starts with 5,000 customers has therefore exactly 5,000 on the day
of its creation and some five more each day. A customer belongs to a persona, which sets the averages; the
customer's own rate, basket, taste and hours vary around these, so that segments overlap as they do in
life. The persona is told in ``demo.customer_labels`` and nowhere else.

Days are integers (days since 1970-01-01, in the shop's time zone), instants are integer seconds since
1970-01-01 UTC, money is in integer cents until it is written.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import psycopg2.extensions
import pyarrow as pa
import pyarrow.csv

from segmentation.sources.demo.calendar import (
    CALENDAR_START,
    HISTORY_DAYS,
    SIGN_UPS_BEFORE_HISTORY_DAYS,
    _Clock,
    _date,
    _number,
)
from segmentation.sources.demo.catalogue import CATALOGUE
from segmentation.sources.demo.chance import _hit
from segmentation.sources.demo.customers import (
    FIRST_CUSTOMER_NUMBER,
    _customer_table,
    _Customers,
    _labels,
    _Shop,
    _versions,
)
from segmentation.sources.demo.events import _browsing_events, _buying_events, _event_table
from segmentation.sources.demo.orders import (
    ECHO_DAYS,
    ORDERS_A_DAY,
    STATUS_DAYS,
    _browsing,
    _buying,
    _line_table,
    _Lines,
    _lines,
    _Orders,
    _orders,
    _return_tables,
    _sales_table,
    _services,
    _Visits,
)
from segmentation.sources.demo.personas import LABELS
from segmentation.sources.demo.reviews import _review_table
from segmentation.sources.demo.rows import _texts
from segmentation.warehouse import locks

Progress = Callable[[str], None]

CUSTOMERS = 2_000
"""Of a new shop where nobody says: as many as a first night with all algorithms segments within a minute."""
CELLS_A_BLOCK = 2_000_000  # customers x days simulated at once: about 400 MB


# --- what there is to sell ---------------------------------------------------------------------------------


# --- who buys it -------------------------------------------------------------------------------------------


SCHEMA = """
create schema demo;
create table demo.state (
    seed bigint not null,
    customers integer not null,
    timezone text not null,
    first_day date not null,
    last_day date not null,
    spread double precision not null,
    cuts double precision not null
);
create table demo.products (
    product_code text,
    title text,
    category text,
    list_price numeric(12, 2),
    available boolean not null default true
);
create table demo.customers (
    id bigint,
    signed_up_at timestamptz,
    birth_year integer,
    gender text,
    country text,
    region text,
    city text,
    email text,
    marketing_consent boolean,
    updated_at timestamptz
);
create table demo.customer_labels (customer_no bigint, label text);
create table demo.orders (
    order_no bigint,
    customer_no text,
    ordered_at timestamptz,
    status text,
    cancelled_at timestamptz,
    channel text,
    currency text,
    updated_at timestamptz
);
create table demo.order_lines (
    order_no bigint,
    line_no integer,
    product_code text,
    pieces integer,
    unit_price numeric(12, 2),
    discount_percent integer,
    created_at timestamptz
);
create table demo.events (
    event_no bigint,
    session_no bigint,
    customer_no text,
    occurred_at_text text,
    received_at timestamptz,
    kind text,
    product_code text,
    seconds_on_page numeric(10, 1)
);
create table demo.reviews (
    review_no bigint,
    customer_no text,
    product_code text,
    stars integer,
    body text,
    created_at timestamptz
);
"""
# Made after the first load, which is quicker; no key is unique, since a real export has duplicates.
INDEXES = """
create index on demo.customers (coalesce(updated_at, signed_up_at));
create index on demo.customers (id);
create index on demo.customer_labels (customer_no);
create index on demo.products (product_code);
create index on demo.orders (coalesce(least(ordered_at, updated_at), updated_at, ordered_at));
create index on demo.orders (order_no);
create index on demo.order_lines (created_at);
create index on demo.events (received_at);
create index on demo.reviews (created_at);
"""
TABLES = ("customers", "customer_labels", "orders", "order_lines", "events", "reviews")


# --- hashed random numbers ---------------------------------------------------------------------------------


# --- time --------------------------------------------------------------------------------------------------


# --- customers ---------------------------------------------------------------------------------------------


# --- sessions, orders and lines ----------------------------------------------------------------------------


# --- columns -----------------------------------------------------------------------------------------------


# --- what follows an order: returns and reviews -------------------------------------------------------------


# --- events ------------------------------------------------------------------------------------------------


# --- the tables of people ----------------------------------------------------------------------------------


# --- growth ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DemoState:
    """Contents of the demo shop: facts of every day from ``first_day`` to ``last_day``, both included."""

    seed: int
    customers: int
    timezone: str
    first_day: date
    last_day: date
    spread: float = 1.0
    cuts: float = 1.0
    rows_written: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class _Growth:
    """The days that one call adds to the shop."""

    shop: _Shop
    first_day: int
    days: range
    is_new: bool

    @property
    def restated_from(self) -> int:
        """The first day whose orders are written (again)."""
        return self.days.start if self.is_new else max(self.first_day, self.days.start - STATUS_DAYS)

    def clock(self) -> _Clock:
        """Return a clock from the first sign-up on, so that an instant never depends on how much is added."""
        return _Clock(self.shop.timezone, self.first_day - SIGN_UPS_BEFORE_HISTORY_DAYS, self.days.stop - 1)

    def blocks(self) -> Iterator[_Customers]:
        """Yield the customers who have signed up by the last day, in blocks of bounded size."""
        start = self.shop.first_of(self.first_day - SIGN_UPS_BEFORE_HISTORY_DAYS)
        stop = self.shop.first_of(self.days.stop)
        size = max(1, min(20_000, CELLS_A_BLOCK // (len(self.days) + ECHO_DAYS)))
        for low in range(start, stop, size):
            yield self.shop.block(np.arange(low, min(low + size, stop)))


def _facts(who: _Customers, growth: _Growth, clock: _Clock) -> Iterator[tuple[str, pa.Table]]:
    """Yield the rows that a block of customers adds to the tables of facts.

    The orders of the days before are made again: they have echoes within ``days``, and statuses to come.
    """
    days = growth.days
    visit = _buying(who, np.arange(days.start - ECHO_DAYS, days.stop))
    orders, lines = _orders(who, visit, clock), _lines(who, visit)
    sales = orders.take(orders.day >= growth.restated_from)
    yield "orders", _sales_table(who, sales, clock.midnight_after(days.stop - 1))
    return_orders, return_lines = _return_tables(who, orders, lines, days, clock)
    yield "orders", return_orders
    yield "order_lines", return_lines
    yield "reviews", _review_table(who, orders, lines, days, clock)
    yield from _facts_of_the_days(who, visit, lines, orders, days, clock)
    browsing = _browsing(who, np.arange(days.start, days.stop))
    is_anonymous = _hit(browsing.key, "session_anonymous")
    yield "events", _event_table(who, browsing, _browsing_events(who, browsing), clock, is_anonymous)


def _facts_of_the_days(
    who: _Customers, visit: _Visits, lines: _Lines, orders: _Orders, days: range, clock: _Clock
) -> Iterator[tuple[str, pa.Table]]:
    """Yield the lines and events of the buying sessions within ``days``."""
    is_fresh = visit.day >= days.start
    lines = lines.take(is_fresh[lines.o])
    lines = replace(lines, o=(np.cumsum(is_fresh) - 1)[lines.o])
    visit, orders = visit.take(is_fresh), orders.take(is_fresh)
    for part in (lines, _services(who, visit, lines)):
        yield "order_lines", _line_table(orders.number[part.o], orders.placed[part.o], part)
    yield "events", _event_table(who, visit, _buying_events(who, visit, lines), clock)


def _people(who: _Customers, growth: _Growth, clock: _Clock) -> Iterator[tuple[str, pa.Table]]:
    """Yield the customers who are new or changed, and the labels that are."""
    changed, version = _versions(who, growth.first_day, growth.days)
    yield "customers", _customer_table(who, changed, version[changed], growth.first_day, clock)
    label = _labels(who, growth.days.stop - 1)
    is_there = np.zeros(len(label), dtype=bool) if growth.is_new else who.signed_up < growth.days.start
    rows = np.flatnonzero(~is_there | (label != _labels(who, growth.days.start - 1)))
    columns = {"customer_no": FIRST_CUSTOMER_NUMBER + who.index[rows], "label": _texts(LABELS, label[rows])}
    yield "customer_labels", pa.table(columns)


def _copy(cursor: psycopg2.extensions.cursor, name: str, table: pa.Table) -> int:
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(table, buffer, pyarrow.csv.WriteOptions(include_header=False))
    buffer.seek(0)
    cursor.copy_expert(
        f"copy demo.{name} ({', '.join(table.column_names)}) from stdin (format csv)", buffer, 1 << 20
    )
    return len(table)


def _withdraw(cursor: psycopg2.extensions.cursor, name: str, table: pa.Table) -> None:
    """Delete the earlier state of the people who are about to be written again."""
    key = {"customers": "id", "customer_labels": "customer_no"}[name]
    cursor.execute(f"delete from demo.{name} where {key} = any(%s)", (table[key].to_pylist(),))


def _withdraw_orders(cursor: psycopg2.extensions.cursor, growth: _Growth) -> None:
    """Delete the sales whose status may still have changed; their numbers rise with the day."""
    oldest = growth.restated_from * ORDERS_A_DAY * 10
    cursor.execute("delete from demo.orders where order_no >= %s and order_no %% 10 = 0", (oldest,))


def _write(cursor: psycopg2.extensions.cursor, growth: _Growth, progress: Progress) -> dict[str, int]:
    clock = growth.clock()
    rows = dict.fromkeys(TABLES, 0)
    if not growth.is_new:
        _withdraw_orders(cursor, growth)
    for who in growth.blocks():
        for name, table in _people(who, growth, clock):
            if not growth.is_new:
                _withdraw(cursor, name, table)
            rows[name] += _copy(cursor, name, table)
        for name, table in _facts(who, growth, clock):
            rows[name] += _copy(cursor, name, table)
        progress(f"demo shop: {', '.join(f'{count:,} {name}' for name, count in rows.items())}")
    return rows


def _state(cursor: psycopg2.extensions.cursor) -> DemoState | None:
    cursor.execute("select to_regclass('demo.state')")
    if cursor.fetchone() == (None,):
        return None
    # a shop that an earlier version made
    cursor.execute(
        "alter table demo.state add column if not exists spread double precision not null default 1, "
        "add column if not exists cuts double precision not null default 0;"
        "alter table demo.products add column if not exists available boolean not null default true"
    )
    cursor.execute("select seed, customers, timezone, first_day, last_day, spread, cuts from demo.state")
    (state,) = cursor.fetchall()
    return DemoState(*state)


def _refuse_other_shop(state: DemoState, request: Mapping[str, object]) -> None:
    for name, value in request.items():
        own = getattr(state, name)
        if own != value:
            raise ValueError(
                f"The demo shop was made with {name}={own} and cannot go on with {name}={value}: "
                f"ask for {own}, or drop the schema demo to begin another shop."
            )


def _refuse_nonsense(through: date, customers: int) -> None:
    if customers < 1:
        raise ValueError(f"A demo shop needs at least one customer, not {customers}.")
    if through - timedelta(days=HISTORY_DAYS + SIGN_UPS_BEFORE_HISTORY_DAYS + ECHO_DAYS) < CALENDAR_START:
        raise ValueError(f"The demo shop's calendar begins in {CALENDAR_START.year}: {through} is too early.")


def ensure_shop(
    conn: psycopg2.extensions.connection,
    *,
    through: date,
    customers: int | None = None,
    seed: int,
    timezone: str,
    spread: float = 1.0,
    cuts: float | None = None,
    progress: Progress = lambda _: None,
) -> DemoState:
    """Make the demo shop hold the facts of every day up to ``through``, each exactly once.

    The first call creates the schema ``demo`` with ``HISTORY_DAYS`` days before ``through`` and exactly
    ``customers`` customers; later calls add the days that lack. One transaction: interrupted, nothing has
    changed. Commits ``conn``, which must not be in autocommit mode.

    Parameters
    ----------
    through
        Last day to hold, in ``timezone``. A day that the shop has passed already changes nothing.
    customers
        Customers at the end of the first load; after it ``customers / 971`` join each day. The same in each
        call, or None: as the shop is, a new one `CUSTOMERS`.
    seed, timezone
        Of the shop; the same in each call.
    spread
        How far customers differ from the averages of their planted segment, as a multiple of what is usual;
        the same in each call.
    cuts
        How strongly price cuts tempt those kinds of customers whom they tempt, as a multiple of what is
        usual; 0 for a shop without cuts. The same in each call, or None: as the shop is, a new one 1.
    progress
        Called with one line of text after each block of customers.

    Returns
    -------
    DemoState
        The state after the call; ``rows_written`` counts the rows of this call by table.

    Raises
    ------
    ValueError
        If the shop was made with another seed, time zone, spread, strength of cuts or number of customers, or the
        connection commits each statement by itself.
    """
    if conn.autocommit:
        raise ValueError("The demo shop grows in one transaction: give a connection without autocommit.")
    _refuse_nonsense(through, CUSTOMERS if customers is None else customers)
    with conn, conn.cursor() as cursor:
        locks.hold(conn, locks.DEMO_SHOP)
        state = _state(cursor)
        if state is not None:
            request = {"seed": seed, "timezone": timezone, "spread": spread}
            request |= {} if customers is None else {"customers": customers}
            request |= {} if cuts is None else {"cuts": cuts}
            _refuse_other_shop(state, request)
            if through <= state.last_day:
                return state
            customers, cuts = state.customers, state.cuts
        customers = CUSTOMERS if customers is None else customers
        shop = _Shop(seed, customers, timezone, spread, 1.0 if cuts is None else cuts)
        return _grow(cursor, state, shop, _number(through), progress)


def _grow(
    cursor: psycopg2.extensions.cursor, state: DemoState | None, shop: _Shop, last: int, progress: Progress
) -> DemoState:
    first = last - HISTORY_DAYS if state is None else _number(state.first_day)
    start = first if state is None else _number(state.last_day) + 1
    if state is None:
        cursor.execute(SCHEMA)
        _copy(cursor, "products", CATALOGUE)
        cursor.execute(
            "insert into demo.state values (%s, %s, %s, %s, %s, %s, %s)",
            (shop.seed, shop.customers, shop.timezone, _date(first), _date(last), shop.spread, shop.cuts),
        )
    rows = _write(cursor, _Growth(shop, first, range(start, last + 1), state is None), progress)
    if state is None:
        cursor.execute(INDEXES)
        cursor.execute("analyze " + ", ".join(f"demo.{name}" for name in TABLES))
    cursor.execute("update demo.state set last_day = %s", (_date(last),))
    dates = _date(first), _date(last)
    return DemoState(shop.seed, shop.customers, shop.timezone, *dates, shop.spread, shop.cuts, rows)
