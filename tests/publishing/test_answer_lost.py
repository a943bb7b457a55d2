"""The connection is lost between the commit of a publication and its answer: what is done is done, once."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from segmentation.errors import DecisionError, LeaseError, WarehouseError
from segmentation.operations import withdraw as withdrawing
from segmentation.publishing import publish as publishing
from segmentation.warehouse import db
from tests.faults.proxy import Proxy
from tests.publishing.test_publish import (
    FIRST,
    SECOND,
    SPEND,
    THREE,
    Publisher,
    before_the_last_statement,
    chosen,
)
from tests.small_shop import silent


class Lossy(Proxy):
    """Lets the next COMMIT through, and cuts the connection when the server has answered it."""

    is_armed = is_lost = False

    def _forward(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 14):
                if is_answer and self.is_lost:
                    self.is_lost = False
                    self.cut()
                    break
                if not is_answer and self.is_armed and b"COMMIT" in data:
                    self.is_armed, self.is_lost = False, True
                target.sendall(data)
        for line in (source, target):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def network(warehouse_db) -> Iterator[Lossy]:
    proxy = Lossy(warehouse_db)
    yield proxy
    proxy.close()


def test_a_publication_whose_answer_is_lost_is_found_published_and_not_made_twice(
    network, warehouse_db, tmp_path, monkeypatch
):
    shop = Publisher(warehouse_db, tmp_path)
    shop.publish(FIRST, THREE)
    night = shop.night(SECOND)
    shop.stage(night, THREE)
    far = replace(night, warehouse=replace(network.proxied, name="warehouse"))

    def arm(_: db.Connection) -> None:
        network.is_armed = True

    with (
        before_the_last_statement(monkeypatch, arm),
        pytest.raises(WarehouseError, match="the warehouse did not answer: "),
    ):
        publishing.publish(far, chosen(THREE, SPEND), silent)
    assert shop.see("select distinct as_of_date from segments.current_customer_segments") == [(SECOND,)]
    # what the task asks before it tries again
    assert publishing.published(night) == {"customers": 12, "segments": 3, "is_newest": True}
    before = shop.public()
    with pytest.raises(LeaseError):
        publishing.publish(night, chosen(THREE, SPEND), silent)
    assert shop.public() == before


def test_a_withdrawal_whose_answer_is_lost_is_done_and_says_so_when_it_is_asked_again(
    network, warehouse_db, tmp_path
):
    shop = Publisher(warehouse_db, tmp_path)
    for day in (FIRST, SECOND):
        shop.publish(day, THREE)
    network.is_armed = True
    with pytest.raises(WarehouseError, match="the warehouse did not answer: "):
        withdrawing.withdraw(replace(network.proxied, name="warehouse"), SECOND, "ada", "why")
    assert shop.see("select distinct as_of_date from segments.current_customer_segments") == [(FIRST,)]
    with pytest.raises(DecisionError, match=r"its newest run .* is withdrawn"):
        withdrawing.withdraw(warehouse_db, SECOND, "ada", "why")
