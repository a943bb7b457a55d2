"""The demo shop: grown is the same as made at once, dirty as stated, silent about what was planted."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import psycopg2
import pytest

from segmentation.sources import contract
from segmentation.sources.demo import calendar, chance, personas, shop
from segmentation.sources.demo import customers as customers_
from segmentation.sources.demo import orders as orders_

EXTRACT = Path(__file__).parents[2] / "include" / "sql" / "extract" / "demo"
ZONE = "Europe/Berlin"
START = date(2025, 3, 15)
THROUGH = date(2025, 4, 14)  # the clocks went forward on 30 March
CUSTOMERS = 1_500
FACTS = ("orders", "order_items", "events", "reviews", "customers")
OIDS = {"text": 25, "timestamptz": 1184, "integer": 23, "boolean": 16, "numeric": 1700}
Connection = psycopg2.extensions.connection


def grow(conn: Connection, through: date, **settings) -> shop.DemoState:
    return shop.ensure_shop(
        conn, **{"through": through, "customers": 200, "seed": 5, "timezone": ZONE, **settings}
    )


def rows(conn: Connection, query: str, params: dict | None = None) -> list[tuple]:
    with conn.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchall()


def one(conn: Connection, query: str, params: dict | None = None):
    return rows(conn, query, params)[0][0]


def contents(conn: Connection) -> dict[str, list[str]]:
    """Every row of every table as text, in order."""
    return {
        table: [row for (row,) in rows(conn, f"select t::text as row from demo.{table} as t order by 1")]
        for table in (*shop.TABLES, "state", "products")
    }


def window(first: date, end: date) -> dict[str, object]:
    start, stop = (datetime(d.year, d.month, d.day, tzinfo=ZoneInfo(ZONE)) for d in (first, end))
    return {"start": start, "end": stop, "timezone": ZONE}


def select(table: str) -> str:
    return (EXTRACT / f"{table}.sql").read_text()


def count(conn: Connection, table: str, first: date, end: date) -> int:
    return one(conn, f"select count(*) from (\n{select(table)}\n) as q", window(first, end))


@pytest.fixture(scope="module")
def connect(new_database) -> Iterator[Callable[[], Connection]]:
    opened = []

    def make() -> Connection:
        opened.append(psycopg2.connect(**new_database().params))
        return opened[-1]

    yield make
    for connection in opened:
        connection.close()


@pytest.fixture(scope="module")
def full(connect) -> Connection:
    """A shop of some size over all its history; read only."""
    conn = connect()
    grow(conn, THROUGH, customers=CUSTOMERS)
    return conn


@pytest.fixture(scope="module")
def nightly(connect) -> Connection:
    """A small shop that grew by thirty nights of one day; read only."""
    conn = connect()
    for night in range((THROUGH - START).days + 1):
        grow(conn, START + timedelta(days=night))
    return conn


# --- growth ------------------------------------------------------------------------------------------------


def test_thirty_nights_give_the_same_rows_as_one_month(connect, nightly):
    conn = connect()
    grow(conn, START)
    grow(conn, THROUGH)
    assert contents(conn) == contents(nightly)


def test_facts_do_not_depend_on_the_day_the_shop_was_made(connect, nightly):
    conn = connect()
    first_day = grow(conn, THROUGH).first_day
    mine = one(conn, "select min(id) from demo.customers") - customers_.FIRST_CUSTOMER_NUMBER
    room = orders_.ORDERS_A_DAY
    since = window(first_day, THROUGH)["start"]
    for query in (
        f"select t::text from demo.order_lines t where order_no / 10 %% {room} >= %(mine)s"
        " and created_at >= %(since)s",
        f"select t::text from demo.orders t where order_no / 10 %% {room} >= %(mine)s"
        " and least(ordered_at, updated_at) >= %(since)s",
        "select t::text from demo.events t where received_at >= %(since)s"
        " and right(split_part(btrim(customer_no), '.', 1), 8)::bigint - 10000000 >= %(mine)s",
        "select t::text from demo.reviews t where created_at >= %(since)s"
        " and right(customer_no, 8)::bigint - 10000000 >= %(mine)s",
    ):
        made, grown = (sorted(rows(c, query, {"mine": mine, "since": since})) for c in (conn, nightly))
        assert made == grown
        assert len(made) > 50


def test_blocks_of_any_size_give_the_same_rows(connect, monkeypatch):
    whole, pieces = connect(), connect()
    grow(whole, START)
    monkeypatch.setattr(shop, "CELLS_A_BLOCK", 40_000)
    grow(pieces, START)
    assert contents(whole) == contents(pieces)


def test_another_seed_gives_another_shop(connect, nightly):
    conn = connect()
    grow(conn, THROUGH, seed=6)
    assert contents(conn)["orders"] != contents(nightly)["orders"]


@pytest.mark.parametrize("days", [0, 1, 500])
def test_days_that_are_there_are_not_added_again(nightly, days):
    before = contents(nightly)
    state = grow(nightly, THROUGH - timedelta(days=days))
    assert (state.last_day, dict(state.rows_written)) == (THROUGH, {})
    assert contents(nightly) == before


def test_the_shop_starts_with_the_customers_asked_for_and_two_years(connect):
    conn = connect()
    state = grow(conn, THROUGH)
    assert (state.first_day, state.last_day) == (THROUGH - timedelta(days=730), THROUGH)
    assert one(conn, "select count(distinct id) from demo.customers") == 200
    assert one(conn, "select count(*) from demo.customer_labels") == 200
    assert one(conn, "select count(*) from demo.orders") > 1_000
    assert one(conn, "select count(distinct created_at::date) from demo.order_lines") > 650


def test_new_customers_keep_joining(full):
    quarters = rows(
        full,
        "select date_trunc('quarter', signed_up_at), count(distinct id) from demo.customers"
        " where signed_up_at >= %(start)s group by 1 order by 1",
        window(date(2023, 7, 1), THROUGH),
    )
    assert min(n for _, n in quarters[:-1]) > CUSTOMERS / 971 * 80


def test_a_shop_goes_on_with_the_customers_that_it_has_where_nobody_says(connect):
    conn = connect()
    made = grow(conn, THROUGH)
    grown = grow(conn, THROUGH + timedelta(days=1), customers=None)
    assert (made.customers, grown.customers) == (200, 200)
    assert grown.last_day == THROUGH + timedelta(days=1)


@pytest.mark.parametrize(
    "other",
    [{"seed": 6}, {"customers": 201}, {"timezone": "UTC"}, {"spread": 2.0}, {"cuts": 0.5}],
    ids=lambda other: next(iter(other)),
)
def test_a_shop_of_other_settings_is_refused(nightly, other):
    with pytest.raises(ValueError, match=f"made with {next(iter(other))}="):
        grow(nightly, THROUGH + timedelta(days=1), **other)


def test_a_shop_of_a_version_without_spread_goes_on_as_it_was(connect):
    conn = connect()
    grow(conn, START)
    with conn, conn.cursor() as cursor:
        cursor.execute("alter table demo.state drop column spread")
    assert grow(conn, START + timedelta(days=1)).spread == 1.0


def test_a_shop_of_a_version_without_price_cuts_goes_on_without(connect):
    old, new = connect(), connect()
    for conn in (old, new):
        grow(conn, START, cuts=0.0)
    with old, old.cursor() as cursor:
        cursor.execute("alter table demo.state drop column cuts")
    grow(old, THROUGH)
    grow(new, THROUGH, cuts=0.0)
    assert contents(old) == contents(new)


BOUGHT = """
    select
        s.label,
        l.unit_price < p.list_price as is_cut,
        count(*)
    from demo.order_lines as l
    inner join demo.products as p using (product_code)
    inner join demo.orders as o using (order_no)
    inner join demo.customer_labels as s on o.customer_no = s.customer_no::text
    where l.pieces > 0 and l.unit_price > 0 and p.category <> 'service'
    group by 1, 2
"""


def test_price_cuts_are_of_whole_weeks_and_tempt_bargain_hunters_most(full):
    shares = {
        label: {cut: n for kind, cut, n in rows(full, BOUGHT) if kind == label}
        for label in personas.LABELS.to_pylist()
    }
    shares = {label: counts[True] / sum(counts.values()) for label, counts in shares.items()}
    assert shares["bargain_hunter"] > shares["weekend_family"] > shares["loyal_high_value"] > 0.01
    prices = rows(
        full,
        "select count(distinct l.unit_price), min(l.unit_price / p.list_price)::float "
        "from demo.order_lines as l inner join demo.products as p using (product_code) "
        "where l.pieces > 0 and l.unit_price between 0.01 and 9000 and p.category <> 'service' "
        f"group by product_code, date_trunc('week', l.created_at at time zone '{ZONE}')",
    )
    several = sum(n > 1 for n, _ in prices)
    assert several < 0.002 * len(prices)  # an order at midnight is booked on the next day
    assert 0.69 < min(share for _, share in prices) < 0.71


def test_a_shop_without_price_cuts_has_none(connect):
    conn = connect()
    grow(conn, START, cuts=0.0)
    assert True not in {is_cut for _, is_cut, _ in rows(conn, BOUGHT)}


def test_customers_of_a_smaller_spread_differ_less(connect):
    def variation(spread: float) -> float:
        conn = connect()
        grow(conn, START, spread=spread)
        return one(
            conn,
            "select stddev(average) / avg(average) from (select avg(unit_price) as average from "
            "demo.customer_labels as l join demo.orders as o on o.customer_no = l.customer_no::text "
            "join demo.order_lines using (order_no) "
            "where label = 'bargain_hunter' and unit_price between 0 and 1000 group by l.customer_no) as c",
        )

    assert variation(0.0) < variation(3.0)


@pytest.mark.parametrize(("through", "customers"), [(THROUGH, 0), (date(2001, 1, 1), 200)])
def test_an_impossible_shop_is_refused(connect, through, customers):
    with pytest.raises(ValueError, match=r"at least one|too early"):
        grow(connect(), through, customers=customers)


def test_autocommit_is_refused(connect):
    conn = connect()
    conn.autocommit = True
    with pytest.raises(ValueError, match="one transaction"):
        grow(conn, THROUGH)


def test_an_interrupted_load_leaves_nothing(connect):
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    conn = connect()
    with pytest.raises(KeyboardInterrupt):
        grow(conn, START, progress=interrupt)
    assert one(conn, "select to_regnamespace('demo') is null")
    grow(conn, START)
    before = contents(conn)
    with pytest.raises(KeyboardInterrupt):
        grow(conn, THROUGH, progress=interrupt)
    assert contents(conn) == before


def test_an_order_is_cancelled_on_the_day_of_its_cancellation(connect):
    conn = connect()
    grow(conn, START, customers=CUSTOMERS)
    earlier = dict(rows(conn, "select order_no, cancelled_at from demo.orders"))
    grow(conn, START + timedelta(days=4), customers=CUSTOMERS)
    end = window(START, START + timedelta(days=1))["end"]
    cancelled_since = [
        number
        for number, cancelled_at in rows(conn, "select order_no, cancelled_at from demo.orders")
        if number in earlier and cancelled_at is not None and earlier[number] is None
    ]
    assert cancelled_since
    assert one(
        conn,
        "select bool_and(cancelled_at >= %(end)s and lower(btrim(status)) = 'cancelled') from demo.orders"
        " where order_no = any(%(numbers)s) and cancelled_at is not null",
        {"end": end, "numbers": cancelled_since},
    )
    assert max(at for at in earlier.values() if at) < end


def test_nothing_happens_after_the_last_day(full):
    end = window(START, THROUGH + timedelta(days=1))["end"]
    for table, instant in {
        "orders": "greatest(least(ordered_at, updated_at), updated_at, cancelled_at)",
        "order_lines": "created_at",
        "events": "received_at",
        "reviews": "created_at",
        "customers": "greatest(updated_at, signed_up_at)",
    }.items():
        assert one(full, f"select max({instant}) from demo.{table}") < end


# --- the source contract -----------------------------------------------------------------------------------


@pytest.mark.parametrize("table", list(contract.TABLES))
def test_select_fits_the_contract(full, table):
    expected = dict(contract.TABLES[table].columns)
    if table == "order_items":
        expected["ordered_at"] = "timestamptz"
    with full.cursor() as cursor:
        cursor.execute(select(table), window(THROUGH, THROUGH + timedelta(days=1)))
        found = {column.name: column.type_code for column in cursor.description}
    assert list(found) == list(expected)
    assert found == {name: OIDS[kind] for name, kind in expected.items()}


@pytest.mark.parametrize("table", FACTS)
def test_days_partition_the_rows(full, table):
    """Each row lies in exactly one day, also around the change of the clocks."""
    source = {"order_items": "order_lines"}.get(table, table)
    everything = one(full, f"select count(*) from demo.{source}")
    cuts = [date(1900, 1, 1), *(date(2025, 3, 20) + timedelta(days=n) for n in range(25)), date(2100, 1, 1)]
    parts = [count(full, table, *pair) for pair in pairwise(cuts)]
    assert sum(parts) == everything
    assert table == "customers" or min(parts[:-1]) > 0


@pytest.mark.parametrize("table", [t for t in FACTS if t != "customers"])
def test_rows_lie_in_the_window_by_the_instant_given_out(full, table):
    instant = contract.TABLES[table].instant or "ordered_at"
    params = window(date(2025, 3, 30), date(2025, 3, 31))
    query = f"select min({instant}), max({instant}) from (\n{select(table)}\n) as q"
    low, high = rows(full, query, params)[0]
    assert params["start"] <= low <= high < params["end"]


@pytest.mark.parametrize("table", ["customers", "orders", "events", "reviews"])
def test_identifiers_are_clean(full, table):
    query = f"select count(*) from (\n{select(table)}\n) as q where customer_id !~ '^[0-9]{{8,9}}$'"
    assert one(full, query, window(date(2020, 1, 1), date(2100, 1, 1))) == 0


def test_no_address_leaves_the_shop(full):
    params = window(date(2020, 1, 1), date(2100, 1, 1))
    assert (
        one(full, f"select bool_or(q::text like '%%@%%') from (\n{select('customers')}\n) as q", params)
        is False
    )
    number, untidy = rows(full, "select id::text, email from demo.customers where email like '% ' limit 1")[0]
    query = f"select email_sha256 from (\n{select('customers')}\n) as q where customer_id = %(number)s"
    hashed = hashlib.sha256(untidy.strip().lower().encode()).hexdigest()
    assert one(full, query, {**params, "number": number}) == hashed


def test_most_events_are_on_the_right_clock(full):
    """The mapping reads three ways of writing time; only the server that lies about its offset is off."""
    query = f"""
        select avg((abs(extract(epoch from q.occurred_at - e.received_at)) < 5)::integer)
        from (\n{select("events")}\n) as q inner join demo.events as e on q.event_id = e.event_no::text"""
    share = float(one(full, query, window(date(2025, 3, 20), date(2025, 4, 10))))
    assert 1 - share == pytest.approx(chance.DIRT["event_utc_as_local"], rel=0.6)


# --- what is in it -----------------------------------------------------------------------------------------

DIRT_FOUND = {  # dirt: table, condition on a row that has it
    "customer_without_birth_year": ("customers", "birth_year is null"),
    "customer_without_gender": ("customers", "gender is null"),
    "customer_without_region": ("customers", "region is null"),
    "customer_without_email": ("customers", "email is null"),
    "customer_without_consent": ("customers", "marketing_consent is null"),
    "customer_without_signed_up_at": ("customers", "signed_up_at is null"),
    "customer_without_updated_at": ("customers", "updated_at is null"),
    "customer_absurd_birth_year": ("customers", "birth_year not between 1910 and 2010"),
    "customer_untidy_email": ("customers", "email <> lower(btrim(email))"),
    "customer_duplicate_newer": (
        "customers",
        "exists (select from {t} as older where older.id = {t}.id and older.updated_at < {t}.updated_at)",
    ),
    "order_without_customer": ("orders", "customer_no is null"),
    "order_unknown_customer": ("orders", "length(customer_no) = 9"),
    "order_id_with_space": ("orders", "customer_no like ' %'"),
    "order_id_dot_zero": ("orders", "customer_no like '%.0'"),
    "order_without_ordered_at": ("orders", "ordered_at is null"),
    "order_in_future": ("orders", "ordered_at > updated_at + interval '1 year'"),
    "order_without_updated_at": ("orders", "updated_at is null"),
    "order_without_currency": ("orders", "currency is null"),
    "order_untidy_status": ("orders", "status <> lower(btrim(status))"),
    "order_duplicate_stale": (
        "orders",
        "exists (select from {t} as newer where newer.order_no = {t}.order_no"
        " and newer.updated_at > {t}.updated_at)",
    ),
    "order_lost": (
        "order_lines",
        "not exists (select from demo.orders as o where o.order_no = {t}.order_no)",
    ),
    "line_absurd_price": ("order_lines", "unit_price > 9999998"),
    "line_negative_price": ("order_lines", "unit_price < 0"),
    "line_without_price": ("order_lines", "unit_price is null"),
    "line_zero_quantity": ("order_lines", "pieces = 0"),
    "line_without_product": ("order_lines", "product_code is null"),
    "line_unknown_product": ("order_lines", "product_code = 'P99999'"),
    "event_unknown_customer": ("events", "length(customer_no) = 9"),
    "event_id_with_space": ("events", "customer_no like ' %'"),
    "event_id_dot_zero": ("events", "customer_no like '%.0'"),
    "event_local_as_utc": (
        "events",
        "occurred_at_text ~ '^2.*Z$' and occurred_at_text::timestamptz > received_at + interval '50 minutes'",
    ),
    "event_utc_as_local": (
        "events",
        "occurred_at_text ~ '^2.*[+]'"
        " and occurred_at_text::timestamptz < received_at - interval '50 minutes'",
    ),
    "event_zero_date": ("events", "occurred_at_text like '0000%'"),
    "event_without_time": ("events", "occurred_at_text is null"),
    "event_without_duration": ("events", "seconds_on_page is null"),
    "event_absurd_duration": ("events", "seconds_on_page < 0 or seconds_on_page > 86400"),
    "review_rating_out_of_range": ("reviews", "stars not between 1 and 5"),
    "review_without_rating": ("reviews", "stars is null"),
    "review_without_body": ("reviews", "body is null"),
    "review_unknown_product": ("reviews", "product_code = 'P99999'"),
    "review_unknown_customer": ("reviews", "length(customer_no) = 9"),
}  # fmt: skip
COPIES = {f"{name}_duplicate_exact": name for name in ("customer", "order", "line", "event", "review")}


def test_every_dirt_is_looked_for():
    assert {*DIRT_FOUND, *COPIES, "session_anonymous"} == set(chance.DIRT)


@pytest.mark.parametrize("dirt", DIRT_FOUND)
def test_dirt_is_there_in_its_share(full, dirt):
    table, condition = DIRT_FOUND[dirt]
    place = f"demo.{table}"
    found, of = rows(
        full, f"select count(*) filter (where {condition.format(t=place)}), count(*) from {place}"
    )[0]
    assert found > 0
    expected = of * chance.DIRT[dirt]
    assert abs(found - expected) < 5 * np.sqrt(expected) + 0.6 * expected


@pytest.mark.parametrize(("dirt", "name"), COPIES.items())
def test_exact_copies_are_there_in_their_share(full, dirt, name):
    place = "demo.order_lines" if name == "line" else f"demo.{name}s"
    distinct, of = rows(
        full, f"select count(*), sum(n) from (select count(*) as n from {place} as t group by t::text) as q"
    )[0]
    expected = float(of) * chance.DIRT[dirt]
    assert 0 < float(of) - distinct < 5 * np.sqrt(expected) + 2 * expected


def test_anonymous_sessions_are_there(full):
    share = float(
        one(
            full,
            "select avg(a::integer) from (select bool_and(customer_no is null) as a from demo.events"
            " group by session_no having not bool_or(kind = 'order_placed')) as s",
        )
    )
    assert share == pytest.approx(chance.DIRT["session_anonymous"], rel=0.2)


def test_returns_are_negative_lines_of_orders_marked_returned(full):
    statuses = rows(
        full,
        "select lower(btrim(o.status)), count(*) from demo.order_lines as l"
        " inner join demo.orders as o on l.order_no = o.order_no where l.pieces < 0 group by 1",
    )
    assert [status for status, _ in statuses] == ["returned"]
    assert statuses[0][1] > 100


def test_every_order_was_placed_in_a_session(full):
    sold = one(full, "select count(distinct order_no) from demo.order_lines where order_no % 10 = 0")
    placed = one(full, "select count(distinct event_no) from demo.events where kind = 'order_placed'")
    assert placed == sold


def test_planted_segments_have_believable_shares(full):
    shares = dict(
        rows(
            full, "select label, count(*)::float / sum(count(*)) over () from demo.customer_labels group by 1"
        )
    )
    assert set(shares) == set(personas.LABELS.to_pylist())
    assert all(0.03 < share < 0.20 for share in shares.values())
    assert shares["new_customer"] == pytest.approx(customers_.NEW_CUSTOMER_DAYS / 971, rel=0.05)


def test_labels_follow_the_life_of_customers(nightly):
    newest = one(nightly, "select min(id) from demo.customers where signed_up_at >= '2025-02-20'")
    labels = dict(rows(nightly, "select customer_no, label from demo.customer_labels"))
    assert len(labels) == one(nightly, "select count(distinct id) from demo.customers")
    assert labels[newest] == "new_customer"
    settled = one(nightly, "select max(id) from demo.customers where signed_up_at < '2025-02-10'")
    assert labels[settled] != "new_customer"


def test_segments_differ_in_what_they_do(full):
    facts = f"""
        with lines as (
            select l.customer_no, i.*, o.status
            from demo.customer_labels as l
            inner join (\n{select("orders")}\n) as o on l.customer_no::text = o.customer_id
            inner join (\n{select("order_items")}\n) as i on o.order_id = i.order_id
            where i.quantity > 0 and i.category <> 'service' and i.unit_price between 0 and 5000
        )
        select
            l.label,
            avg((i.discount > 0)::integer)::float as discount,
            avg((extract(isodow from i.ordered_at at time zone '{ZONE}') >= 5)::integer)::float as weekend,
            avg((extract(month from i.ordered_at at time zone '{ZONE}') >= 11)::integer)::float as christmas,
            count(distinct i.order_id)::float / count(distinct l.customer_no) as orders
        from demo.customer_labels as l inner join lines as i on l.customer_no = i.customer_no
        group by 1"""
    found = {
        label: values for label, *values in rows(full, facts, window(date(2020, 1, 1), date(2100, 1, 1)))
    }
    discount, weekend, christmas, orders = ({k: v[n] for k, v in found.items()} for n in range(4))
    assert max(discount, key=discount.get) == "bargain_hunter"
    assert max(weekend, key=weekend.get) == "weekend_family"
    assert max(christmas, key=christmas.get) == "seasonal_gift_buyer"
    assert max(orders, key=orders.get) == "loyal_high_value"
    assert orders["one_time_buyer"] < 1.05


def test_labels_do_not_leak(full):
    """No other column or value is named after a segment, and the customer's number tells nothing."""
    columns = rows(
        full,
        "select table_name, column_name, data_type from information_schema.columns"
        " where table_schema = 'demo' and table_name <> 'customer_labels'",
    )
    assert not [c for _, c, _ in columns if any(w in c for w in ("label", "segment", "persona", "cluster"))]
    texts = [(table, column) for table, column, kind in columns if kind == "text"]
    for table, column in texts:
        query = f"select count(*) from demo.{table} where {column} = any(%(labels)s)"
        assert one(full, query, {"labels": personas.LABELS.to_pylist()}) == 0
    parity = rows(
        full,
        "select customer_no % 2, avg((label = 'bargain_hunter')::integer)::float"
        " from demo.customer_labels group by 1",
    )
    assert abs(parity[0][1] - parity[1][1]) < 0.06


# --- the pieces --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"])
def test_clock_agrees_with_the_time_zone_database(zone):
    first, days = calendar._number(date(2025, 3, 1)), 300
    clock = calendar._Clock(zone, first, first + days)
    for day in range(first, first + days):
        for hour in (0, 1, 2, 3, 12, 23):
            wall = datetime.combine(calendar._date(day), datetime.min.time(), ZoneInfo(zone)) + timedelta(
                hours=hour
            )
            assert clock.instant(np.array([day]), np.array([hour * 3600]))[0] == wall.timestamp()


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25), (date(2025, 6, 1), 24)],
    ids=["clocks forward", "clocks back", "ordinary"],
)
def test_days_have_their_true_length(day, hours):
    number = calendar._number(day)
    clock = calendar._Clock(ZONE, number - 1, number + 1)
    assert clock.midnight_after(number) - clock.midnight_after(number - 1) == hours * 3600


def test_hashed_numbers_are_uniform_and_apart():
    keys = chance._key(np.array([42], dtype=np.uint64), np.arange(100_000))
    u, v = chance._uniform(keys, "one"), chance._uniform(keys, "other")
    assert 0 < u.min() < u.max() < 1
    assert np.histogram(u, 20, (0, 1))[0] == pytest.approx(5_000, rel=0.06)
    assert abs(np.corrcoef(u, v)[0, 1]) < 0.02
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 0.02
    assert chance._normal(keys, "z").std() == pytest.approx(1, rel=0.02)


def test_a_number_depends_on_its_keys_only():
    key = np.array([7, 8, 9], dtype=np.uint64)
    assert chance._uniform(key, "x")[1] == chance._uniform(key[1:2], "x")[0]
