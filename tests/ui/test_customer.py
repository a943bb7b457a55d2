"""All that is known of a customer: the page shows what the API answers."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from segmentation.ui import customer
from segmentation.warehouse import db, partitions
from tests.report import sample
from tests.ui.conftest import Server

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
ID = "c00100"
CLEAN = """
    delete from core.orders where order_id like 'shown-%%';
    delete from core.order_items where order_id like 'shown-%%';
    delete from core.products where product_id = 'P1';
    delete from segments.customer_forecasts where customer_id = 'c00100';
    delete from segments.forecast_models where as_of_date = '2025-06-01';
    delete from segments.customer_recommendation_lists where customer_id = 'c00100';
    delete from segments.recommended_products where as_of_date = '2025-06-01';
"""
ORDER = """
    insert into core.orders (order_id, customer_id, day, ordered_at, local_hour, cancelled_on, channel, currency)
    values (%(id)s, %(customer)s, %(day)s, %(day)s, 9, %(cancelled)s, 'app', 'GBP')
"""
LINE = """
    insert into core.order_items
    (order_id, line_no, customer_id, day, product_id, is_service, quantity, unit_price, discount, amount_cents)
    values (%(id)s, %(line)s, %(customer)s, %(day)s, %(product)s, false, 2, %(price)s, 0, %(price)s * 200)
"""
FORECAST = """
    insert into segments.customer_forecasts values
    ('2025-06-01', 'c00100', .8, .2, 120, 40, 300, .9, 400, 100, 900, '2025-06-20', 9, 24);
    insert into segments.forecast_models values
    ('2025-06-01', 'lifetime', 90, 0, 0, false, 1, 1, 1, 1, 1, '{}', 90, 180, false)
"""
RECOMMENDED = """
    insert into segments.recommended_products values
    ('2025-06-01', 1, 'P1', 'Blue <mug>', 'kitchen', true), ('2025-06-01', 2, 'P2', null, null, true);
    insert into segments.customer_recommendation_lists values ('2025-06-01', 'c00100', 1, '{2, 1}', '{1, 1}')
"""


@pytest.fixture(scope="module")
def known(server: Server) -> Iterator[Server]:
    """A customer with two orders and a cancelled one, a forecast and recommendations; gone at the end."""
    warehouse = server.machine.warehouse("demo")
    with warehouse.connect() as conn:
        db.execute(conn, CLEAN)
        db.execute(
            conn,
            "insert into core.products values ('P1', '-infinity', 'infinity', 'Blue <mug>', "
            "'kitchen', 9, null, true)",
        )
        for number, (ago, cancelled) in enumerate(((30, None), (3, None), (5, 4), (0, None))):
            day = sample.TODAY - timedelta(ago)
            about = {"id": f"shown-{number}", "customer": ID, "day": day}
            gone = cancelled and sample.TODAY - timedelta(cancelled)
            db.execute(conn, ORDER, {**about, "cancelled": gone})
            for line, (product, price) in enumerate((("P1", 9), ("P2", 4)), 1):
                db.execute(conn, LINE, {**about, "line": line, "product": product, "price": price})
        for table in ("customer_forecasts", "customer_recommendation_lists"):
            partitions.stage(conn, "segments", table, sample.TODAY)
            partitions.replace(conn, "segments", table, sample.TODAY)
        db.execute(conn, FORECAST)
        db.execute(conn, RECOMMENDED)
    yield server
    with warehouse.connect() as conn:
        db.execute(conn, CLEAN)


def test_programs_get_orders_value_forecast_and_recommendations(known: Server):
    found = known.ask("api/v1/customer", "POST", {"id": ID}).json
    # what was ordered on the date itself is not known on it
    assert [(o["order_id"], o["is_cancelled"], o["amount"]) for o in found["orders"]] == [
        ("shown-1", False, 26.0), ("shown-2", True, 26.0), ("shown-0", False, 26.0),
    ]  # fmt: skip
    assert [(i["name"], i["quantity"]) for i in found["orders"][0]["items"]] == [("Blue <mug>", 2), (None, 2)]
    assert found["value"]["spend_365d"] > 0
    told = {one["name"]: one["facts"] for one in found["applications"]}
    assert told["forecasts"]["buy_probability"] == pytest.approx(0.8)
    assert [p["product_id"] for p in told["recommendations"]["products"]] == ["P2", "P1"]
    earlier = known.ask("api/v1/customer", "POST", {"id": ID, "date": str(sample.BEFORE)}).json
    assert {one["order_id"]: one["is_cancelled"] for one in earlier["orders"]} == {
        "shown-1": False, "shown-2": True, "shown-0": False,
    }  # fmt: skip
    assert earlier["applications"] == []


def test_a_person_sees_the_same(known: Server):
    page = known.send(known.token, "customer", f"id={ID}", **FORM).text
    for said in ("Blue &lt;mug&gt;", "The last orders", "cancelled", "Forecasts", "What to recommend", "£26"):
        assert said in page
    assert "bought with Blue &lt;mug&gt;" in page
    assert "Where before" in page


def test_a_move_is_explained_by_what_holds_since():
    bounds = [
        {"feature": "recency_days", "above": None, "up_to": 61.0},
        {"feature": "frequency_orders", "above": 7.5, "up_to": None},
    ]
    move = {
        "rules": [bounds],
        "before": {"recency_days": 80.0, "frequency_orders": 9.0},
        "after": {"recency_days": 2.0, "frequency_orders": 10.0},
    }
    (change,) = customer.changes(move, "GBP")
    assert (change.condition, change.before, change.now) == (
        "at most 61 days since the last order",
        80.0,
        2.0,
    )
    assert customer.changes({**move, "before": None}, "GBP") == []
    assert customer.changes({**move, "rules": []}, "GBP") == []
