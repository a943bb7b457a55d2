"""Prices of a night: what is planted in the demo shop is recovered, published, and shown."""

from datetime import date, timedelta

import pytest

from segmentation import applications, report
from segmentation.applications.prices import purchases, verdicts
from segmentation.applications.prices.section import section
from segmentation.applications.prices.stages import prepare
from segmentation.language import numbers
from segmentation.language.texts import speaking
from segmentation.publishing import publish as publishing
from segmentation.runs import register
from segmentation.settings import Settings
from segmentation.sources.demo import personas, shop
from segmentation.warehouse import db
from tests.publishing.test_publish import Publisher, chosen
from tests.small_shop import SmallShop, silent

DAY = date(2025, 4, 14)
BEFORE = DAY - timedelta(weeks=104)
CUSTOMERS = 2_000
OTHERS = [one.name for one in applications.registered() if one.name != "prices"]
LABELS = personas.LABELS.to_pylist()
# groups of the demo shop in the order in which price cuts tempt them
ORDER = ("loyal_high_value", "weekend_family", "bargain_hunter")


@pytest.fixture(scope="module")
def warehouse_of_demo(new_database, migrated):
    """A shop whose price cuts tempt three times as much as usual, cleaned and rolled up."""
    source, warehouse = new_database(), new_database(migrated)
    with source.connect() as conn:
        shop.ensure_shop(
            conn, through=DAY, customers=CUSTOMERS, seed=5, timezone="Europe/London", cuts=3.0, spread=0.5
        )
        # most of its rows; prices are of what is bought
        db.execute(conn, "truncate demo.events, demo.reviews")
    small = SmallShop(source, warehouse, None, "demo")
    small.ingest(small.night(DAY))
    with source.connect(readonly=True) as conn:
        rows = db.rows(conn, "select customer_no::text, label from demo.customer_labels order by 1")
    return warehouse, {row["customer_no"]: LABELS.index(row["label"]) for row in rows}


@pytest.fixture
def publisher(warehouse_of_demo, new_database, drop_database, tmp_path):
    """Publisher on a copy of the warehouse, in which no date is published."""
    warehouse = new_database(warehouse_of_demo[0].params["dbname"])
    made = Publisher(warehouse, tmp_path)
    made.settings = Settings(
        shop={"name": "tiny", "source": "demo", "timezone": "Europe/London"},
        applications={
            "off": OTHERS,
            "prices": {"membership_weeks": 104, "shuffles": 20},
        },
    )
    yield made
    drop_database(warehouse)


def night_of(publisher, labels, day):
    night = publisher.night(day)
    publisher.stage(night, labels, dict.fromkeys(labels, 1.0))
    return night


def publish(publisher, labels, day):
    night = night_of(publisher, labels, day)
    counts = prepare(night, silent)
    made = chosen(labels, dict.fromkeys(labels, 1.0))
    publishing.publish(night, made, silent, beside=applications)
    return night, counts


def rows(publisher, night, table):
    with publisher.warehouse.connect(readonly=True) as conn:
        return db.rows(
            conn,
            f"select * from segments.{table} where as_of_date = %(as_of_date)s order by 2, 3",
            night.params,
        )


def test_what_is_planted_is_recovered_in_order(publisher, warehouse_of_demo):
    _, labels = warehouse_of_demo
    first, _ = publish(publisher, labels, BEFORE)
    ids = {LABELS[label]: None for label in set(labels.values())}
    with publisher.warehouse.connect(readonly=True) as conn:
        for row in db.rows(
            conn,
            "select customer_id, segment_id from segments.customer_segments where as_of_date = %(as_of_date)s",
            first.params,
        ):
            ids[LABELS[labels[row["customer_id"]]]] = row["segment_id"]
    night, counts = publish(publisher, labels, DAY)
    found = {row["segment_id"]: row for row in rows(publisher, night, "segment_price_response")}
    planted = [found[ids[label]] for label in ORDER]
    assert [row["ratio"] for row in planted] == sorted(row["ratio"] for row in planted)
    low, _, high = planted
    assert (low["outcome"], high["outcome"]) == (verdicts.CAN, verdicts.CAN)
    assert low["ratio_high"] < 1 < high["ratio_low"]
    assert high["placebo_ratio_low"] < 1 < high["placebo_ratio_high"]
    assert high["members_on"] == BEFORE
    assert counts["products"] >= high["products"] >= 10
    groups = {(row["grouping_name"], row["level"]) for row in rows(publisher, night, "group_price_response")}
    assert {("tenure", "existing"), ("value", "low"), ("value", "middle"), ("value", "high")} <= groups
    assert {row["false_alarms"] <= 0.1 for row in rows(publisher, night, "price_placebos")} == {True}

    again, _ = publish(publisher, labels, DAY)
    for table in ("segment_price_response", "group_price_response", "price_placebos"):
        then, now = ([{**row, "run_id": ""} for row in rows(publisher, one, table)] for one in (night, again))
        assert then == now
        assert now

    with publisher.warehouse.connect(readonly=True) as conn:
        facts = section(conn, register.find(conn, again.run_id))
    assert len(facts["segments"]) == len(set(labels.values()))
    assert all(bool(row["why"]) == (row["outcome"] == verdicts.CANNOT) for row in facts["segments"])
    for language in ("en", "zh"):
        with speaking(language):
            page = report.environment("EUR").get_template("prices/section.html.j2").render(shown=facts)
        assert numbers.number(planted[-1]["ratio"], 2) in page
        assert ("cannot be told" in page) == (language == "en")
        assert page.count("<tr>") >= len(facts["looked_at"]) > 0


def test_nothing_is_told_of_segments_that_are_not_older_than_the_purchases(publisher, warehouse_of_demo):
    _, labels = warehouse_of_demo
    day = BEFORE + timedelta(weeks=60)  # the only date before it is not old enough
    night, _ = publish(publisher, labels, day)
    found = rows(publisher, night, "segment_price_response")
    assert {(row["outcome"], row["reason"]) for row in found} == {(verdicts.CANNOT, "no_earlier_members")}
    with publisher.warehouse.connect(readonly=True) as conn:
        facts = section(conn, register.find(conn, night.run_id))
    page = report.environment("EUR").get_template("prices/section.html.j2").render(shown=facts)
    assert page.count("no date was published early enough") == 1  # once for all of them
    assert "Nothing can be told of any segment:" in page
    assert not {row["name"] for row in facts["segments"]} & {row["name"] for row in facts["looked_at"]}


def test_nothing_on_or_after_the_date_is_read(publisher, warehouse_of_demo):
    _, labels = warehouse_of_demo
    day = DAY - timedelta(days=3)
    night = night_of(publisher, labels, day)
    window = purchases.Window.before(day, 104)
    assert window.end <= day
    with publisher.warehouse.connect() as conn:
        before = purchases.find_cuts(conn, night, window)
        groups = purchases.groupings(conn, night, window, before, None)
        conn.rollback()
    with publisher.warehouse.connect() as conn:
        for place in ("core.order_items", "features.customer_product_day", "features.customer_day"):
            db.execute(conn, f"delete from {place} where day >= %(as_of_date)s", night.params)
        after = purchases.find_cuts(conn, night, window)
        again = purchases.groupings(conn, night, window, after, None)
        conn.rollback()
    assert before.equals(after)
    assert [one.levels for one in groups] == [one.levels for one in again]
    assert all((a.purchases.buyers == b.purchases.buyers).all() for a, b in zip(groups, again, strict=True))


def test_shuffled_prices_of_the_demo_shop_tell_nothing(publisher, warehouse_of_demo):
    """60 shuffles of its own purchases; `make bench NAME=prices` does 300."""
    _, labels = warehouse_of_demo
    night = night_of(publisher, labels, DAY)
    window = purchases.Window.before(DAY, 104)
    with publisher.warehouse.connect() as conn:
        found = purchases.find_cuts(conn, night, window)
        groups = purchases.groupings(conn, night, window, found, None)
        conn.rollback()
    trial = verdicts.Trial(publisher.settings.applications.prices, 10)
    assert [one.name for one in groups] == ["tenure", "value"]
    for one in groups:
        assert trial.false_alarms(one.purchases, one.levels, seed=3, shuffles=60) <= 0.1


def test_a_shop_whose_prices_never_fall_has_its_reason(publisher, warehouse_of_demo):
    _, labels = warehouse_of_demo
    publisher.settings = Settings(
        shop={"name": "tiny", "source": "demo", "timezone": "Europe/London"},
        applications={"off": OTHERS, "prices": {"min_cut": 0.99}},
    )
    night, counts = publish(publisher, labels, DAY)
    assert counts == {"cut_weeks": 0, "products": 0, "groups": 0, "told": 0}
    found = rows(publisher, night, "segment_price_response")
    assert {row["reason"] for row in found} == {"no_cuts"}
