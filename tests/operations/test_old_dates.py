"""A date between two weeks' ends has a byte a customer and no rows: what the page still says of it."""

from collections.abc import Iterator

import pytest

from segmentation.operations import maintenance
from segmentation.settings import Settings
from segmentation.ui import moves, reading
from segmentation.warehouse import db
from tests.publishing.test_publish import FIRST, SECOND, THIRD, THREE, Publisher
from tests.small_shop import silent

LATER = THIRD.replace(day=12)
DATES = "select distinct as_of_date from segments.customer_segments order by 1"


@pytest.fixture
def conn(warehouse_db, tmp_path) -> Iterator[db.Connection]:
    """Three dates in one week, a fourth in another; `a` moves on the second, `b` on the last."""
    shop = Publisher(warehouse_db, tmp_path)
    shop.settings = Settings(shop={"name": "tiny"}, retention={"daily_days": 2}, privacy={"min_customers": 1})
    for day, moved in ((FIRST, {}), (SECOND, {"a": 1}), (THIRD, {"a": 1}), (LATER, {"a": 1, "b": 2})):
        shop.publish(day, {**THREE, **moved})
    maintenance.run(warehouse_db, shop.settings, tmp_path, silent)
    with warehouse_db.connect(readonly=True) as conn:
        yield conn


def test_who_moved_since_is_counted_and_listed(conn):
    movement = reading.movement(conn, FIRST, LATER)
    assert (movement.moved, movement.compared) == (2, 12)
    between = moves.Between(reading.run_of(conn, FIRST), reading.run_of(conn, LATER), None, None)
    assert [row["customer_id"] for row in between.page(conn, 10, 0)] == ["a", "b"]


def test_what_is_of_its_rows_is_refused_in_words(conn):
    reason = f"who was in which segment on {FIRST} is no longer kept"
    with pytest.raises(reading.NotPublishedError, match=reason):
        reading.customer(conn, "a", FIRST)
    between = moves.Between(reading.run_of(conn, FIRST), reading.run_of(conn, LATER), None, None)
    with pytest.raises(reading.NotPublishedError, match=reason):
        between.statement()
    assert reading.customer(conn, "a", LATER).days_in_segment == (LATER - SECOND).days
    assert [row["as_of_date"] for row in db.rows(conn, DATES)] == [THIRD, LATER]
