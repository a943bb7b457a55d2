"""History of each customer for forecasts: carried from night to night, it is what all days come to."""

from datetime import date, timedelta

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from segmentation.applications.forecasts import samples
from segmentation.applications.forecasts.sampled_days import SampledDays
from segmentation.features import history, verify
from segmentation.features import table as features
from segmentation.runs import erased
from segmentation.warehouse import beside, db
from tests.features.test_table import (
    AFTER,
    DATES,
    ZONES,
    customers,
    deliver,
    events,
    few,
    first_version,
    night_offsets,
    orders,
    refill,
    reviews,
    sale,
    written,
)
from tests.small_shop import SmallShop, silent

NOW = date(2024, 5, 3)


def carried(shop: SmallShop, day: date) -> pd.DataFrame:
    """History that forecasts of a night are made of."""
    with shop.warehouse.connect() as conn:
        return samples.read_everybody(conn, day)


def counted(shop: SmallShop, day: date) -> pd.DataFrame:
    """The same, from all days."""
    with shop.warehouse.connect() as conn:
        return samples.read_known(conn, day, **history.EVERYBODY)


def stands(shop: SmallShop) -> date | None:
    """The date at which it stands."""
    with shop.warehouse.connect() as conn:
        return history._date(conn)


def assert_carried(shop: SmallShop, day: date) -> None:
    """Each figure of each customer is the same, to the last digit."""
    pd.testing.assert_frame_equal(carried(shop, day), counted(shop, day), check_exact=True)


def assert_sampled(shop: SmallShop, today: date, ages: list[int]) -> None:
    """Days that are read once come to what the statements say of any earlier date, and of what came after it."""
    with shop.warehouse.connect() as conn:
        sampled = SampledDays.read(conn, today, 1)
        for age in ages:
            day = today - timedelta(days=age)
            customers_then = samples.figures(*sampled.sums(age))
            pd.testing.assert_frame_equal(
                customers_then, samples.read_known(conn, day, **history.EVERYBODY), check_exact=True
            )
            for days in {1, max(age, 1)}:
                came = samples.read_outcome(conn, customers_then, day, days, today)
                order_days, spend = sampled.outcome(customers_then.index, age, days)
                assert order_days.tolist() == came.order_days.tolist()
                assert spend.tolist() == came.spend.tolist()


@settings(few, max_examples=16)
@given(
    as_of=st.sampled_from(DATES),
    zone=st.sampled_from(ZONES),
    made=st.fixed_dictionaries(
        {"orders": orders, "events": events, "reviews": reviews, "customers": customers}
    ),
    offsets=night_offsets,
    late=st.lists(st.tuples(st.integers(0, 13), st.sampled_from(["late", "revised"])), max_size=4),
    most_days=st.sampled_from([history.MOST_DAYS_ADDED, 500]),
)
def test_nights_with_late_rows_carry_what_all_days_come_to(shop, as_of, zone, made, offsets, late, most_days):
    """Windows of any length, orders that come, are corrected or cancelled between nights, a customer erased."""
    raw = written(as_of, zone, made)
    ids = {order["order_id"] for order in raw["orders"]}
    kinds = {f"o{n}": kind for n, kind in late if f"o{n}" in ids}
    refill(shop, zone, first_version(raw, set(kinds)))
    deliver(shop, {"orders": [], "order_items": []}, {o for o, kind in kinds.items() if kind == "late"})
    coming = list(kinds)
    days = [as_of - timedelta(days=offset) for offset in sorted(offsets, reverse=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "MOST_DAYS_ADDED", most_days)
        for number, day in enumerate([*days, as_of, as_of + timedelta(days=AFTER)]):
            now, coming = (coming[:1], coming[1:]) if number < len(days) else (coming, [])
            shop.ingest(shop.night(day), since=deliver(shop, raw, set(now)))
            assert_carried(shop, day)
            assert stands(shop) == day
    for day in {as_of, *days[-1:]}:  # an earlier date: counted, and what is carried stays where it is
        assert_carried(shop, day)
    last = as_of + timedelta(days=AFTER)
    assert stands(shop) == last
    for customer in list(carried(shop, last).index[:1]):
        with shop.warehouse.connect() as conn:
            erased.delete(conn, customer)
        assert customer not in carried(shop, last).index
        assert_carried(shop, last)
    assert_sampled(shop, last, [0, 1, 30, 31, *((last - day).days for day in (*days, as_of)), 400])


@pytest.mark.parametrize(("days", "moves"), [(1, True), (7, True), (8, False)])
def test_a_night_reads_the_days_that_come_and_go_and_no_others(shop, days, moves, monkeypatch):
    refill(shop, "Europe/London", {})
    for age in (400, 366, 276, 181, 91, 31, 2):
        shop.add(**sale(NOW - timedelta(days=age)))
    shop.ingest(shop.night(NOW))
    carried(shop, NOW)
    counts = []
    monkeypatch.setattr(
        history,
        "_fill",
        lambda conn, day, *more, fill=history._fill: (counts.append(day), fill(conn, day, *more)),
    )
    later = NOW + timedelta(days=days)
    shop.ingest(shop.night(later))
    assert_carried(shop, later)
    assert (counts == []) == moves


def test_a_cancellation_counts_from_the_day_after_it(shop):
    refill(shop, "Europe/London", {})
    shop.add(**sale(NOW - timedelta(days=40)))
    gone = sale(NOW - timedelta(days=20), unit_price=90)
    gone["orders"][0]["cancelled_at"] = f"{NOW}T12:00:00Z"
    shop.add(**gone)
    for age, spend, largest in ((0, 100, 90), (1, 10, 10)):
        day = NOW + timedelta(days=age)
        shop.ingest(shop.night(day))
        assert_carried(shop, day)
        assert carried(shop, day)[["spend", "largest_day"]].to_numpy().tolist() == [[spend, largest]]


def test_verify_says_of_how_many_customers_it_is_wrong(shop):
    refill(shop, "Europe/London", {})
    for customer in ("1", "2", "3"):
        shop.add(**sale(NOW - timedelta(days=3), customer))
    night = shop.night(NOW)
    shop.ingest(night)
    features.build(night, silent)
    carried(shop, NOW)
    assert verify.verify(night) == []
    with shop.warehouse.connect() as conn:
        db.execute(conn, "update features.customer_history set spend_cents_30d = 7 where customer_id = '1'")
        db.execute(conn, "delete from features.customer_history where customer_id = '2'")
    assert verify.verify(night) == [verify.Mismatch("history", 2)]
    features.roll_up(night, None, night.as_of_date)  # what to do then
    assert stands(shop) is None
    assert_carried(shop, NOW)
    assert verify.verify(night) == []


def test_of_many_changed_customers_nothing_is_carried_on(shop, monkeypatch):
    refill(shop, "Europe/London", sale(NOW - timedelta(days=3)))
    shop.ingest(shop.night(NOW))
    carried(shop, NOW)
    monkeypatch.setattr(history, "LEAST_CHANGED", 0)
    shop.add(**sale(NOW - timedelta(days=9)))
    shop.ingest(shop.night(NOW), since=NOW - timedelta(days=9))
    assert stands(shop) is None
    assert_carried(shop, NOW)


def test_two_sessions_count_what_one_does(shop, monkeypatch):
    refill(shop, "Europe/London", {})
    for number in range(1, 10):
        shop.add(**sale(NOW - timedelta(days=40 * number), str(number)))
    gone = sale(NOW - timedelta(days=20), "7", unit_price=90)
    gone["orders"][0]["cancelled_at"] = f"{NOW - timedelta(days=5)}T12:00:00Z"
    shop.add(**gone)
    shop.ingest(shop.night(NOW))
    monkeypatch.setattr(beside, "MANY", 1)
    for middle in ("select '5'", "select min(customer_id) from features.customer_day"):
        monkeypatch.setattr(history, "MIDDLE", middle)
        with shop.warehouse.connect() as conn:
            history.forget(conn)
        with shop.warehouse.connect() as conn:
            read = samples.read_everybody(conn, NOW, shop.warehouse)
            assert db.scalar(conn, f"select to_regclass('{history.HALF}')") is None
        pd.testing.assert_frame_equal(read, counted(shop, NOW), check_exact=True)
        assert len(read) == 9 and stands(shop) == NOW
