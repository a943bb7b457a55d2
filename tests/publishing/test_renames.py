"""A name by a person beside a publication: neither is lost, and neither waits for a session that does nothing."""

import threading
import time
from contextlib import closing

import psycopg2
import pytest

from segmentation.warehouse import db
from tests.publishing.test_publish import (
    FIRST,
    SECOND,
    THREE,
    Publisher,
    before_the_last_statement,
)

GIVEN = "insert into segments.segment_name_overrides (segment_id, name) values (1, 'Regulars')"
NAMES = "select as_of_date, name from segments.segment_versions where segment_id = 1 order by 1"


@pytest.fixture
def shop(warehouse_db, tmp_path) -> Publisher:
    return Publisher(warehouse_db, tmp_path)


def test_a_name_that_is_given_in_the_middle_of_a_publication_is_that_of_its_date_too(shop, monkeypatch):
    """The publication has read the names before; the name is given when it is over, on its date as well."""
    shop.publish(FIRST, THREE)
    ended = []

    def rename() -> None:
        with closing(psycopg2.connect(**shop.warehouse.params)) as conn:
            db.execute(conn, GIVEN)
            conn.commit()
            ended.append(time.monotonic())

    thread = threading.Thread(target=rename)

    def meanwhile(_: db.Connection) -> None:
        thread.start()
        thread.join(1)
        assert thread.is_alive(), "it waits for the publication"

    with before_the_last_statement(monkeypatch, meanwhile):
        shop.publish(SECOND, THREE)
    thread.join(60)
    assert ended
    assert shop.see(NAMES) == [(FIRST, "Regulars"), (SECOND, "Regulars")]


def test_a_session_that_gave_a_name_and_stays_in_its_transaction_holds_nobody_up(shop):
    shop.publish(FIRST, THREE)
    with closing(psycopg2.connect(**shop.warehouse.params)) as idle:
        db.execute(idle, GIVEN)
        began = time.monotonic()
        shop.publish(SECOND, THREE)
        assert time.monotonic() - began < 60
        assert [name for _, name in shop.see(NAMES)] == ["Segment of a"] * 2
        idle.commit()
    assert [name for _, name in shop.see(NAMES)] == ["Regulars"] * 2
