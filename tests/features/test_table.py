"""Features: every figure against a plain computation from raw rows, on shops nobody would think of."""

import math
import statistics
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from pandas.testing import assert_frame_equal

from segmentation.dates import midnight
from segmentation.features import checkpoints, dictionary, verify
from segmentation.features import table as features
from segmentation.settings import Settings
from segmentation.warehouse import db
from tests.small_shop import SELECTS, SmallShop, contents, make_source, select, silent

NEVER_CANCELLED = date.max
# days before the as-of date at which windows end
EDGES = (0, 1, 30, 31, 90, 91, 180, 181, 275, 276, 365, 366)
ZONES = ("Europe/London", "America/New_York", "Asia/Shanghai", "Pacific/Kiritimati")
DATES = (date(2024, 3, 31), date(2024, 4, 1), date(2024, 11, 4), date(2024, 1, 1), date(2023, 6, 15))
AFTER = 6  # days after the as-of date that the warehouse knows as well, and that must not show


def refill(shop: SmallShop, zone: str, raw: dict[str, list[dict[str, Any]]]) -> None:
    """Another shop in the same databases."""
    shop.warehouse.roll_back()
    shop.settings = Settings(shop={"name": "tiny", "source": "tiny", "timezone": zone})
    with shop.shop.connect() as conn:
        for table in SELECTS:
            db.execute(conn, f"truncate tiny.{table}")
    shop.add(**raw)


# ------------------------------------------------------------------------------------- random shops

offsets = st.one_of(st.sampled_from(EDGES), st.integers(-AFTER + 1, 420))
moments = st.tuples(offsets, st.integers(0, 22), st.integers(0, 59))
# the statements of a night take as long for six customers as for one: few shops, with many customers
customer_ids = st.sampled_from(["17850", "B2", "ä-3", "6", "x y", "Ω"])
lines = st.lists(
    st.fixed_dictionaries(
        {
            "product_id": st.sampled_from(["p1", "p2", "p3", "p4"]),
            "category": st.sampled_from(["tea", "cups", None, "service"]),
            "quantity": st.sampled_from([-2, -1, 1, 1, 2, 12]),
            "unit_price": st.sampled_from([Decimal("0"), Decimal("0.01"), Decimal("1.99"), Decimal("19.95")]),
            "percent_off": st.sampled_from([0, 0, 10, 33]),
        }
    ),
    max_size=4,
)
orders = st.lists(
    st.fixed_dictionaries(
        {
            "customer_id": customer_ids,
            "moment": moments,
            "cancelled_after_days": st.sampled_from([None, None, None, 0, 1, 5, 40]),
            "lines": lines,
        }
    ),
    min_size=8,
    max_size=28,
)
events = st.lists(
    st.fixed_dictionaries(
        {
            "customer_id": customer_ids,
            "moment": moments,
            "session_id": st.sampled_from(["s1", "s2", None]),
            "event_type": st.sampled_from(["view", "view", "cart", "search"]),
            "duration_seconds": st.sampled_from([None, 0, 30, 100]),
        }
    ),
    max_size=20,
)
reviews = st.lists(
    st.fixed_dictionaries(
        {
            "customer_id": customer_ids,
            "moment": moments,
            "rating": st.sampled_from([None, 1, 2, 3, 5]),
            "body": st.sampled_from([None, "", "gut", "très bien"]),
        }
    ),
    max_size=10,
)
customers = st.lists(
    st.fixed_dictionaries(
        {
            "customer_id": customer_ids,
            "moment": moments,
            "birth_year": st.sampled_from([None, 1950, 1999]),
            "gender": st.sampled_from([None, "female", "male"]),
            "country": st.sampled_from([None, "France", "Japan"]),
        }
    ),
    max_size=12,
    unique_by=lambda row: (row["customer_id"], row["moment"][0]),
)


def written(as_of: date, zone: str, made: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The rows of the shop's tables: days before the as-of date become instants."""

    def instant(moment: tuple[int, int, int]) -> datetime:
        days, hours, minutes = moment
        return midnight(as_of - timedelta(days=days), ZoneInfo(zone)) + timedelta(
            hours=hours, minutes=minutes
        )

    raw: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for number, order in enumerate(made["orders"]):
        days, hours, minutes = order["moment"]
        after = order["cancelled_after_days"]
        raw["orders"].append(
            {
                "order_id": f"o{number}",
                "customer_id": order["customer_id"],
                "ordered_at": instant(order["moment"]),
                "status": "completed",
                "cancelled_at": None if after is None else instant((days - after, hours, minutes)),
            }
        )
        for line_no, line in enumerate(order["lines"]):
            paid = abs(line["quantity"]) * line["unit_price"]
            raw["order_items"].append(
                {
                    "order_id": f"o{number}",
                    "line_no": line_no,
                    **{name: line[name] for name in ("product_id", "category", "quantity", "unit_price")},
                    "discount": (paid * line["percent_off"] / 100).quantize(Decimal("0.01")),
                    "ordered_at": instant(order["moment"]),
                }
            )
    for table, key, when in (
        ("events", "event_id", "occurred_at"),
        ("reviews", "review_id", "reviewed_at"),
        ("customers", None, "updated_at"),
    ):
        for number, row in enumerate(made[table]):
            plain = {name: value for name, value in row.items() if name != "moment"}
            identity = {key: f"{table}{number}"} if key else {}
            raw[table].append({**identity, **plain, when: instant(row["moment"])})
    return raw


# --------------------------------------------------------------------------------- plain computation


def cents(amount: Decimal) -> int:
    return int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP))


def ratio(above: float, below: float) -> float | None:
    return above / below if below else None


def plain_features(raw: dict, as_of: date, zone: str) -> dict[str, dict[str, Any]]:
    """Every feature of every eligible customer, by the words of the dictionary."""
    found = {}
    for customer in {order["customer_id"] for order in raw["orders"]}:
        own = {
            table: [row for row in raw[table] if row["customer_id"] == customer]
            for table in ("orders", "events", "reviews", "customers")
        }
        own["lines"] = raw["order_items"]
        bought = _purchases(own, as_of, ZoneInfo(zone))
        if bought is not None:
            found[customer] = {
                **bought,
                **_browsing(own["events"], as_of, ZoneInfo(zone), bought["orders_365d"]),
                **_reviews(own["reviews"], as_of, ZoneInfo(zone), bought["frequency_orders"]),
                **_attributes(own["customers"], as_of, ZoneInfo(zone)),
            }
    return found


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone)


def _purchases(own: dict, as_of: date, zone: ZoneInfo) -> dict[str, Any] | None:
    lines_of = defaultdict(list)
    for line in own["lines"]:
        lines_of[line["order_id"]].append(line)
    placed, cancelled, valid_lines = [], 0, []
    for order in own["orders"]:
        at = _local(order["ordered_at"], zone)
        if at.date() >= as_of:
            continue
        order_lines = [{**line, "day": at.date()} for line in lines_of[order["order_id"]]]
        counts = any(line["quantity"] > 0 and line["unit_price"] > 0 for line in order_lines)
        gone = order["cancelled_at"]
        if gone is not None and max(_local(gone, zone).date(), at.date()) < as_of:
            cancelled += counts
            continue
        valid_lines += order_lines
        if counts:
            placed.append(at)
    if not placed:
        return None
    age = lambda day: (as_of - day).days  # noqa: E731
    bought = [line for line in valid_lines if line["quantity"] > 0]
    paid = [line for line in bought if line["unit_price"] > 0]
    sent_back = [line for line in valid_lines if line["quantity"] < 0]

    def gross(days: float = math.inf, younger: int = 0) -> int:
        return sum(cents(b["quantity"] * b["unit_price"]) for b in bought if younger < age(b["day"]) <= days)

    def spend(days: float = math.inf) -> float:
        off = sum(cents(b["discount"]) for b in bought if age(b["day"]) <= days)
        return (gross(days) - off - returned(days)) / 100

    def returned(days: float = math.inf) -> int:
        return sum(
            cents(-s["quantity"] * s["unit_price"] - s["discount"])
            for s in sent_back
            if age(s["day"]) <= days
        )

    days = sorted({at.date() for at in placed})
    gaps = [(b - a).days for a, b in pairwise(days)]
    months = {(day.year, day.month) for day in days}
    products = [p for p in paid if age(p["day"]) <= 365 and p["category"] != "service"]
    mix = Counter(p["category"] for p in products if p["category"])
    s1, s2 = gross(90), gross(180, younger=90)
    n = len(placed)
    units = sum(b["quantity"] for b in bought if b["category"] != "service")
    return {
        "recency_days": age(days[-1]),
        "frequency_orders": n,
        "monetary": spend(),
        "tenure_days": age(days[0]),
        "average_order_value": (spend() + returned() / 100) / n,
        **{f"orders_{w}d": sum(age(at.date()) <= w for at in placed) for w in (30, 90, 365)},
        **{f"spend_{w}d": spend(w) for w in (30, 90, 365)},
        "spend_trend_90d": (s1 - s2) / (s1 + s2) if s1 + s2 else 0,
        "order_gap_mean_days": ratio((days[-1] - days[0]).days, len(days) - 1),
        "order_gap_variation": statistics.pstdev(gaps) / statistics.mean(gaps) if len(gaps) > 1 else None,
        "orders_per_active_month": n / len(months),
        "active_month_share": min(len(months) / (1 + (age(days[0]) - 1) / 30.4375), 1),
        "units_per_order": units / n,
        "lines_per_order": len(paid) / n,
        "distinct_products_365d": len({p["product_id"] for p in products}),
        "distinct_categories_365d": len(mix),
        "category_entropy_365d": -sum(c / mix.total() * math.log(c / mix.total()) for c in mix.values()),
        "product_repeat_share_365d": (
            1 - len({p["product_id"] for p in products}) / len(products) if products else 0
        ),
        "discount_share": sum(cents(b["discount"]) for b in bought) / gross(),
        "discounted_line_share": sum(p["discount"] > 0 for p in paid) / len(paid),
        "return_rate": min(returned() / gross(), 1),
        "cancelled_order_share": cancelled / (n + cancelled),
        "weekend_order_share": sum(at.isoweekday() in (6, 7) for at in placed) / n,
        "morning_order_share": sum(5 <= at.hour < 12 for at in placed) / n,
        "evening_order_share": sum(17 <= at.hour < 22 for at in placed) / n,
        "night_order_share": sum(at.hour >= 22 or at.hour < 5 for at in placed) / n,
    }


def _browsing(rows: list, as_of: date, zone: ZoneInfo, orders_365d: int) -> dict[str, Any]:
    seen = [{**row, "age": (as_of - _local(row["occurred_at"], zone).date()).days} for row in rows]
    seen = [row for row in seen if row["age"] > 0]
    year = [row for row in seen if row["age"] <= 365]

    def sessions(days: int) -> int:
        return len(
            {(row["age"], row["session_id"]) for row in seen if row["session_id"] and row["age"] <= days}
        )

    visits = [row["age"] for row in seen if row["session_id"]]
    return {
        "sessions_90d": sessions(90),
        "views_per_session_365d": ratio(sum(r["event_type"] == "view" for r in year), sessions(365)),
        "cart_rate_365d": ratio(sum(r["event_type"] == "cart" for r in year), sessions(365)),
        "conversion_365d": ratio(orders_365d, sessions(365)),
        "dwell_minutes_per_session_365d": ratio(
            sum(r["duration_seconds"] or 0 for r in year) / 60, sessions(365)
        ),
        "visit_recency_days": min(visits, default=None),
    }


def _reviews(rows: list, as_of: date, zone: ZoneInfo, orders: int) -> dict[str, Any]:
    known = [{**row, "age": (as_of - _local(row["reviewed_at"], zone).date()).days} for row in rows]
    known = [row for row in known if row["age"] > 0]
    ratings = [row["rating"] for row in known if row["rating"] is not None]
    return {
        "reviews_365d": sum(row["age"] <= 365 for row in known),
        "reviews_per_order": len(known) / orders,
        "mean_rating": ratio(sum(ratings), len(ratings)),
        "poor_rating_share": ratio(sum(rating <= 2 for rating in ratings), len(ratings)),
        "review_length_chars": ratio(sum(len(row["body"] or "") for row in known), len(known)),
    }


def _attributes(rows: list, as_of: date, zone: ZoneInfo) -> dict[str, Any]:
    known = [row for row in rows if _local(row["updated_at"], zone).date() < as_of]
    newest = max(known, key=lambda row: row["updated_at"], default={})
    born = newest.get("birth_year")
    return {
        "age_years": as_of.year - born if born else None,
        "gender": newest.get("gender"),
        "country": newest.get("country"),
    }


def read(shop: SmallShop, day: date) -> dict[str, dict[str, Any]]:
    """The features of a date as they stand in the warehouse."""
    with shop.warehouse.connect(readonly=True) as conn:
        return as_dict(features.read(conn, day, dictionary.dictionary()))


def as_dict(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {
        customer: {name: None if pd.isna(value) else value for name, value in row.items()}
        for customer, row in frame.to_dict("index").items()
    }


def assert_same(found: dict, expected: dict) -> None:
    assert set(found) == set(expected)
    for customer, row in expected.items():
        for name, value in row.items():
            told = (
                value if value is None or isinstance(value, str) else pytest.approx(value, rel=1e-9, abs=1e-9)
            )
            assert found[customer][name] == told, (customer, name)


# ---------------------------------------------------------------------------------------------- tests

random_shops = given(
    as_of=st.sampled_from(DATES),
    zone=st.sampled_from(ZONES),
    made=st.fixed_dictionaries(
        {"orders": orders, "events": events, "reviews": reviews, "customers": customers}
    ),
)
few = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def every_second(customers: pd.Index) -> np.ndarray:
    assert list(customers) == sorted(customers)
    return np.arange(0, len(customers), 2)


@few
@random_shops
def test_every_feature_is_what_its_formula_says_and_is_read_so_later(shop, as_of, zone, made):
    raw = written(as_of, zone, made)
    refill(shop, zone, raw)
    later = shop.night(as_of + timedelta(days=AFTER))
    shop.ingest(later)
    features.build(shop.night(as_of), silent)
    expected = plain_features(raw, as_of, zone)
    found = read(shop, as_of)
    assert_same(found, expected)
    assert all(set(row) == {f.name for f in dictionary.dictionary()} for row in expected.values())
    earlier, spend = features.read_earlier(later, AFTER)
    assert_same(as_dict(earlier), found)
    assert list(spend.index) == list(earlier.index)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "MOST_SAMPLED", 1.0)
        sampled, spent = features.read_earlier(
            later, AFTER, drawn=lambda customers: every_second(customers.index)
        )
    assert_frame_equal(sampled, earlier.iloc[every_second(earlier.index)])
    assert spent.equals(spend.iloc[every_second(spend.index)])


@settings(few, max_examples=4)
@random_shops
def test_a_date_does_not_depend_on_what_was_known_later(shop, as_of, zone, made):
    raw = written(as_of, zone, made)
    refill(shop, zone, raw)
    shop.ingest(shop.night(as_of + timedelta(days=AFTER)))
    features.build(shop.night(as_of), silent)
    with_the_future = read(shop, as_of)
    refill(shop, zone, raw)
    shop.ingest(shop.night(as_of))
    features.build(shop.night(as_of), silent)
    assert read(shop, as_of) == with_the_future


ROLLED_UP = ["customer_day", "customer_day_cancelled", "customer_product_day", "order_without_purchase"]
night_offsets = st.lists(
    st.sampled_from([400, 367, 210, 95, 61, 33, 31, 30, 15, 2, 1]), max_size=4, unique=True
)


def first_version(raw: dict, revised: set[str]) -> dict[str, list[dict[str, Any]]]:
    """The first version of orders that the shop corrects later: one line, and not cancelled."""
    orders = [{**o, "cancelled_at": None} if o["order_id"] in revised else o for o in raw["orders"]]
    lines = [i for i in raw["order_items"] if i["order_id"] not in revised or not i["line_no"]]
    return {**raw, "orders": orders, "order_items": lines}


def deliver(shop: SmallShop, raw: dict, orders: set[str]) -> date | None:
    """Write these orders anew; returns the first of their days."""
    with shop.shop.connect() as conn:
        for table in ("orders", "order_items"):
            query = f"delete from tiny.{table} where order_id = any(%(orders)s)"
            db.execute(conn, query, {"orders": list(orders)})
    rows = {t: [r for r in raw[t] if r["order_id"] in orders] for t in ("orders", "order_items")}
    shop.add(**rows)
    return min((_local(r["ordered_at"], shop.settings.tz).date() for r in rows["orders"]), default=None)


@settings(few, max_examples=6)
@given(
    as_of=st.sampled_from(DATES),
    zone=st.sampled_from(ZONES),
    made=st.fixed_dictionaries(
        {"orders": orders, "events": events, "reviews": reviews, "customers": customers}
    ),
    offsets=night_offsets,
    late=st.lists(st.tuples(st.integers(0, 13), st.sampled_from(["late", "revised"])), max_size=4),
)
def test_nights_with_late_rows_are_one_bulk_load(shop, as_of, zone, made, offsets, late):
    """Nights in windows of any length, orders that come or are corrected between them, at any age."""
    raw = written(as_of, zone, made)
    ids = {order["order_id"] for order in raw["orders"]}
    kinds = {f"o{n}": kind for n, kind in late if f"o{n}" in ids}
    absent = {order for order, kind in kinds.items() if kind == "late"}
    refill(shop, zone, first_version(raw, set(kinds)))
    deliver(shop, {"orders": [], "order_items": []}, absent)
    coming = list(kinds)
    days = [as_of - timedelta(days=offset) for offset in sorted(offsets, reverse=True)]
    for number, day in enumerate([*days, as_of, as_of + timedelta(days=AFTER)]):
        now, coming = (coming[:1], coming[1:]) if number < len(days) else (coming, [])
        shop.ingest(shop.night(day), since=deliver(shop, raw, set(now)))
        features.build(shop.night(day), silent)
        assert carried_products(shop, day) == products_of_lines(shop, day)
        assert kept_without_purchase(shop) == without_purchase_by_lines(shop)
    for day in {as_of, *days[-1:]}:
        features.build(shop.night(day), silent)
        assert_same(read(shop, day), plain_features(raw, day, zone))
    by_nights = contents(shop.warehouse, [f"features.{table}" for table in ROLLED_UP])
    last = shop.night(as_of + timedelta(days=AFTER))
    assert verify.verify(last) == []
    features.roll_up(last, None, last.as_of_date)
    assert contents(shop.warehouse, list(by_nights)) == by_nights
    features.build(shop.night(as_of), silent)
    assert_same(read(shop, as_of), plain_features(raw, as_of, zone))


def carried_products(shop: SmallShop, day: date) -> list[tuple[str, str]]:
    """Products bought by customer in the year before a date, as they are carried from night to night."""
    with shop.warehouse.connect() as conn:
        bound = {"slot": checkpoints.at(conn, day).slot}
        return _pairs(db.rows(conn, db.statement("segments/bought_in_a_year.sql"), bound))


def kept_without_purchase(shop: SmallShop) -> set[tuple[str, date, str]]:
    """The orders that count for nobody, as the roll-up keeps them."""
    return orders_of(shop, "select customer_id, day, order_id from features.order_without_purchase")


def without_purchase_by_lines(shop: SmallShop) -> set[tuple[str, date, str]]:
    """The same, from all lines."""
    has_purchase = "i.order_id = o.order_id and i.quantity > 0 and i.unit_price > 0"
    return orders_of(
        shop,
        "select customer_id, day, order_id from core.orders as o "
        f"where not exists (select from core.order_items as i where {has_purchase})",
    )


def orders_of(shop: SmallShop, query: str) -> set[tuple[str, date, str]]:
    """The rows of a query, in no order."""
    with shop.warehouse.connect(readonly=True) as conn:
        return {tuple(row.values()) for row in db.rows(conn, query)}


def products_of_lines(shop: SmallShop, day: date) -> list[tuple[str, str]]:
    """The same, from all lines of the year."""
    with shop.warehouse.connect(readonly=True) as conn:
        bound = {"as_of_date": day, "days": 365}
        return _pairs(db.rows(conn, db.statement("segments/bought.sql"), bound))


def _pairs(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((row["customer_id"], product) for row in rows for product in row["product_ids"])


def sale(day: date, customer: str = "1", hour: int = 12, **line: Any) -> dict[str, list[dict[str, Any]]]:
    """An order of one line."""
    at = midnight(day, ZoneInfo("Europe/London")) + timedelta(hours=hour)
    order = f"{customer}-{day}-{hour}"
    item = {
        "line_no": 1,
        "product_id": "p",
        "category": "tea",
        "quantity": 1,
        "unit_price": 10,
        "discount": 0,
    }
    return {
        "orders": [{"order_id": order, "customer_id": customer, "ordered_at": at, "status": "completed"}],
        "order_items": [{"order_id": order, "ordered_at": at, **item, **line}],
    }


def test_spend_since_is_net_of_returns_and_cancellations_and_never_below_zero(shop):
    then, now = date(2024, 5, 1), date(2024, 5, 11)
    before = [sale(then - timedelta(days=1), customer) for customer in ("1", "2", "3")]
    since = [
        sale(then, "1"),  # the first day counts
        sale(now - timedelta(days=1), "1", unit_price=5, discount=1),
        sale(then + timedelta(days=2), "2", quantity=-1, unit_price=8),  # refunds are no negative spend
        sale(now, "3"),  # the as-of date does not count
        sale(then, "4"),  # not a customer then
    ]
    gone = sale(then + timedelta(days=3), "1")
    gone["orders"][0]["cancelled_at"] = midnight(then + timedelta(days=4), ZoneInfo("Europe/London"))
    refill(shop, "Europe/London", {})
    for rows in [*before, *since, gone]:
        shop.add(**rows)
    shop.ingest(shop.night(now))
    _, spend = features.read_earlier(shop.night(now), 10)
    assert spend.to_dict() == {"1": 14, "2": 0, "3": 0}


def test_features_of_a_shop_that_is_younger_are_empty(shop):
    refill(shop, "Europe/London", sale(date(2024, 5, 1)))
    shop.ingest(shop.night(date(2024, 5, 3)))
    frame, spend = features.read_earlier(shop.night(date(2024, 5, 3)), 90)
    assert len(frame) == len(spend) == 0
    assert set(frame.columns) == {feature.name for feature in dictionary.dictionary()}


def test_verify_names_what_a_checkpoint_has_wrong(shop):
    refill(shop, "Europe/London", {})
    for day in (date(2024, 3, 5), date(2024, 4, 20), date(2024, 5, 1)):
        shop.add(**sale(day, "1"))
        shop.add(**sale(day, "2"))
    night = shop.night(date(2024, 5, 3))
    shop.ingest(night)
    features.build(night, silent)
    right = read(shop, night.as_of_date)
    assert verify.verify(night) == []
    with shop.warehouse.connect() as conn:
        db.execute(conn, "update features.customer_cumulative set reviews = 7 where customer_id = '1'")
        db.execute(conn, "delete from features.customer_diversity where customer_id = '2'")
    off = {mismatch.feature: mismatch.customers for mismatch in verify.verify(night)}
    assert off["reviews_per_order"] == off["distinct_products_365d"] == 1
    assert "monetary" not in off
    features.roll_up(night, None, night.as_of_date)  # what to do then
    assert verify.verify(night) == []
    # and a month start that is forgotten is made again when it is needed
    with shop.warehouse.connect() as conn:
        gone = checkpoints.prune(conn, date(2027, 2, 1), timedelta(days=90))
        assert gone[-1] == date(2024, 5, 1)
        assert (
            db.scalar(conn, "select count(*) from features.customer_cumulative where month = '2024-05-01'")
            == 0
        )
    features.build(night, silent)
    assert read(shop, night.as_of_date) == right


def test_the_month_starts_that_nights_begin_at_are_kept(shop):
    refill(shop, "UTC", sale(date(2023, 12, 5)))
    night = shop.night(date(2026, 11, 3))
    shop.ingest(night)
    checkpoints.make(night, [date(2026 - age, month, 1) for age in (1, 0) for month in range(1, 12)])
    with shop.warehouse.connect() as conn:
        checkpoints.prune(conn, night.as_of_date, timedelta(days=90))
        query = "select as_of_date from features.checkpoints where kind = 'month' order by 1"
        left = [row["as_of_date"] for row in db.rows(conn, query)]
    horizons = [date(2025, month, 1) for month in (1, 8, 9, 10, 11)]
    assert left == [
        *[date(2024, month, 1) for month in (1, 11)],
        *horizons,
        *[month.replace(year=2026) for month in horizons],
    ]


def test_numbers_are_read_by_binary_copy(shop):
    query = (
        "select n, case when n <> 2 then n / 4.0 end as quarter from generate_series(1, 3) as n order by n"
    )
    with shop.warehouse.connect() as conn:
        array = db.read_numbers(conn, query, ["quarter", "n"], size=4)
        assert array.dtype == "float32"
        assert str(array.tolist()) == "[[0.25, 1.0], [nan, 2.0], [0.75, 3.0]]"
        assert db.read_numbers(conn, f"select * from ({query}) as q limit 0", ["n"]).shape == (0, 1)


def test_building_a_date_again_replaces_it(shop):
    refill(shop, "Europe/London", sale(date(2024, 5, 1)))
    night = shop.night(date(2024, 5, 3))
    shop.ingest(night)
    assert features.build(night, silent) == 1
    before = read(shop, night.as_of_date)
    assert features.build(shop.night(night.as_of_date), silent) == 1
    assert read(shop, night.as_of_date) == before


def test_nobody_is_eligible_in_a_shop_without_orders(shop):
    refill(shop, "Europe/London", {})
    night = shop.night(date(2024, 5, 3))
    shop.ingest(night)
    assert features.build(night, silent) == 0


# ------------------------------------------------------------------------------------- the dictionary


def test_the_table_has_a_described_column_for_each_feature(shop):
    features.build(shop.night(date(2024, 1, 1)), silent)
    with shop.warehouse.connect() as conn:
        described = {
            row["name"]: (row["kind"], row["comment"])
            for row in db.rows(
                conn,
                """
                select attname as name, format_type(atttypid, atttypmod) as kind,
                    col_description(attrelid, attnum) as comment
                from pg_attribute
                where attrelid = 'features.customer_features'::regclass and attnum > 0
                """,
            )
        }
    assert described.pop("as_of_date")[0] == "date"
    assert described.pop("customer_id")[0] == "text"
    assert set(described) == {feature.name for feature in dictionary.dictionary()}
    for feature in dictionary.dictionary():
        assert described[feature.name][0] == feature.kind
        assert feature.formula in described[feature.name][1]


def test_names_of_features_are_unique():
    names = [feature.name for feature in dictionary.dictionary()]
    assert len(names) == len(set(names))


def test_a_source_has_the_features_that_its_tables_allow(shop, monkeypatch, tmp_path):
    wanted = ("orders", "order_items", "customers")
    make_source(monkeypatch, tmp_path, {table: select(table) for table in wanted}, name="few")
    known = {feature.name for feature in dictionary.available("few")}
    assert known == {feature.name for feature in dictionary.dictionary() if feature.source in wanted}
    assert not known & {"sessions_90d", "visit_recency_days", "mean_rating", "reviews_365d"}
    refill(shop, "Europe/London", sale(date(2024, 5, 1)))
    few = SmallShop(shop.shop, shop.warehouse, tmp_path, source="few")
    night = few.night(date(2024, 5, 3))
    few.ingest(night)
    features.build(night, silent)
    (row,) = read(few, night.as_of_date).values()
    assert {name for name, value in row.items() if value is not None} <= known
    assert row["recency_days"] == 2
    frame, _ = features.read_earlier(night, 1)
    assert set(frame.columns) == known
