"""Dates in bytes: compared two by two they say what a comparison customer by customer says."""

from datetime import date
from itertools import product

from segmentation.operations import erasure
from segmentation.publishing import packed_assignments
from segmentation.warehouse import db
from tests.publishing.test_publish import FIRST, SECOND, SPEND, THIRD, THREE, Publisher, shop

__all__ = ["shop"]  # the fixture


def runs(shop: Publisher) -> dict[date, str]:
    return dict(shop.see("select as_of_date, run_id from segments.runs where status = 'published'"))


def test_any_two_dates_compare_as_their_assignments_do(shop):
    worth = {**SPEND, "m": 5.0}
    shop.publish(FIRST, THREE, worth)
    second = {**THREE, "a": 1, "b": 2, "m": 2}  # two move, one is new
    shop.publish(SECOND, second, worth)
    third = {customer: (kind + 1) % 3 for customer, kind in second.items() if customer != "c"}
    shop.publish(THIRD, third, worth)
    with shop.warehouse.connect(readonly=True) as conn:
        for (first, before), (second_day, after) in product(runs(shop).items(), repeat=2):
            dates = {"first": first, "second": second_day}
            by_customer = db.rows(conn, db.statement("ui/movement.sql"), dates)
            assert packed_assignments.compare(conn, before, after) == by_customer, dates
        assert packed_assignments.compare(conn, before, "no such run") is None


def test_a_date_run_again_has_the_bytes_of_its_newest_run(shop):
    shop.publish(FIRST, THREE)
    before = runs(shop)[FIRST]
    shop.publish(FIRST, dict.fromkeys(THREE, 0))
    with shop.warehouse.connect(readonly=True) as conn:
        assert packed_assignments.compare(conn, before, before) is None
    ((run, places),) = shop.see("select run_id, places from segments.packed_segments")
    assert run in runs(shop).values() and bytes(places) == b"\x00" + b"\x01" * 12


def test_the_number_of_somebody_who_was_erased_is_nobody_elses(shop, monkeypatch):
    shop.publish(FIRST, THREE)
    monkeypatch.setattr(erasure, "_refuse_if_there", lambda *_: None)
    ((before,),) = shop.see("select places from segments.packed_segments")
    ((number,),) = shop.see("select customer_number from segments.customer_numbers where customer_id = 'l'")
    assert erasure.erase(shop.night(SECOND), "l")["segments.customer_numbers"] == 1
    ((after,),) = shop.see("select places from segments.packed_segments")
    assert bytes(before)[number] != 0, "whoever is erased is counted no more"
    assert bytes(after) == bytes(before)[:number] + b"\x00" + bytes(before)[number + 1 :]
    with shop.warehouse.connect() as conn:
        db.execute(conn, "create temp table newcomer as select text 'x' as customer_id")
        assert [packed_assignments.number(conn, "newcomer") for _ in range(2)] == [1, 0]
        query = "select customer_number from segments.customer_numbers where customer_id = 'x'"
        assert db.scalar(conn, query) == 13


def test_more_segments_than_a_byte_tells_apart_are_compared_customer_by_customer(shop):
    with shop.warehouse.connect() as conn:
        made = (
            "create temp table many as select n::text as customer_id, n as key from generate_series(1, 256) n"
        )
        db.execute(conn, made)
        packed_assignments.number(conn, "many")
        assert packed_assignments.pack(conn, "many", "key") is None
        db.execute(conn, "delete from many where key = 9")
        assert len(packed_assignments.pack(conn, "many", "key").keys) == 255
