"""The summary on the terminal: what became of a run, in a screen of plain text."""

from dataclasses import replace
from datetime import date

import pytest

from segmentation.errors import UserError
from segmentation.quality.results import Result, store
from segmentation.report import data, summary
from segmentation.warehouse import db, partitions
from tests.report import sample

LATER = date(2025, 6, 2)


@pytest.fixture(scope="module")
def published(new_database, migrated, tmp_path_factory):
    warehouse, store = new_database(migrated), tmp_path_factory.mktemp("store")
    before = sample.publish(sample.night(warehouse, store, sample.BEFORE), picture=False)
    return sample.publish(sample.night(warehouse, store), before, picture=False)


@pytest.fixture
def night(published, new_database):
    return replace(published, warehouse=new_database(published.warehouse.name))


@pytest.fixture
def before(night):
    return sample.night(night.warehouse, night.store, sample.BEFORE)


def told(night, report=None) -> str:
    with night.warehouse.connect(readonly=True) as conn:
        text = summary.text(conn, night.run_id, report)
    assert max(map(len, text.splitlines())) <= 100, "it fits the terminal"
    assert text.replace("\n", "").isprintable(), "no colours, no tabs"
    return text


def test_a_published_run_says_who_the_segments_are_and_why(night):
    text = told(night, report=".local/demo/report.html")
    assert text.startswith("PUBLISHED  1,175 customers in 6 segments, as of 1 June 2025\n")
    row = next(line for line in text.splitlines() if line.startswith(" 1  High-value active"))
    for figure in ("171", "14.6%", "£", "d ago", "high, active"):
        assert figure in row
    flowing = " ".join(text.split())
    for said in (
        "Gaussian mixture with 6 segments won among 13 candidates, of which 9 met every constraint.",
        "ARI 0.70, AMI 0.73 (for information, never used to choose)",
        "changed segment since 2025-05-31",
        "Orders: number of orders on the newest day (found 312, expected 340 to 610)",
        "12% of the customers were set aside (158 of 1,311)",
        "Report .local/demo/report.html",
    ):
        assert said in flowing, said
    assert "birth year" not in text, "what is only recorded is no warning"


def test_a_shop_without_labels_or_an_earlier_date_says_nothing_of_them(before):
    with before.warehouse.connect() as conn:
        db.execute(conn, "update segments.model_leaderboard set adjusted_rand_index = null")
        db.execute(conn, "update segments.model_leaderboard set adjusted_mutual_information = null")
    text = told(before)
    assert "ARI" not in text
    assert "Moved" not in text


def test_an_older_date_says_what_readers_see(before):
    assert "Readers of the current view still see 2025-06-01" in told(before)


def test_a_long_name_goes_on_below(night):
    name = "Mid-value cooling, buys in bulk and sends a good part of it back within the week"
    with night.warehouse.connect() as conn:
        db.execute(
            conn,
            "update segments.segment_versions set name = %(name)s "
            "where segment_id = 3 and as_of_date = %(d)s",
            {"name": name, "d": night.as_of_date},
        )
    told_name = " ".join(
        line[:30].strip() for line in told(night).splitlines() if line.startswith((" 3  ", "    "))
    )
    assert "back within the week" in told_name


def test_no_structure_says_why_there_is_one_segment(night):
    with night.warehouse.connect() as conn:
        db.execute(conn, "update segments.model_leaderboard set chosen = false")
        db.execute(conn, "update segments.runs set verdict = 'no structure: 4 customers are fewer than 10'")
    flowing = " ".join(told(night).split())
    assert "everybody is one segment. No structure: 4 customers are fewer than 10." in flowing


@pytest.mark.parametrize(
    ("status", "verdict", "said"),
    [
        # a source without an order before the date
        ("no_data", "no data: no customer has an order", ("NO DATA", "Check that the source has orders")),
        # a gate or the code stopped it
        ("failed", "sources gate: orders are 9 days old", ("FAILED", "Sources gate: orders are 9 days old")),
        # waits for a person
        (
            "held",
            "31% changed segment",
            ("HELD", "make release AS_OF=2025-06-02", "make reject AS_OF=2025-06-02"),
        ),
        # a person said no
        ("rejected", "rejected: too few segments", ("REJECTED", "Rejected: too few segments")),
        # asked too early
        ("running", None, ("STILL RUNNING", "Wait for it")),
    ],
)
def test_a_run_that_published_nothing_says_so_and_what_to_do(
    night, warehouse_db, tmp_path, status, verdict, said
):
    run = sample.add_run(sample.night(night.warehouse, night.store, LATER), status, verdict)
    flowing = " ".join(told(run).split())
    for words in (*said, "nothing new is published", "Readers see the segments of 1 June 2025, 1 day older"):
        assert words in flowing, words


def test_the_first_run_that_fails_leaves_readers_with_nothing(warehouse_db, tmp_path):
    run = sample.add_run(sample.night(warehouse_db, tmp_path), "failed", "the disk is full")
    assert "Nothing was ever published" in told(run)


def test_a_run_that_another_has_replaced_says_so(night):
    other = sample.add_run(replace(night, run_id="20250601-bbbb0002"), "published", "later")
    assert "run 20250601-aaaa0001 has taken its place".lower() in " ".join(told(other).lower().split())


def test_an_unknown_run_is_named(warehouse):
    with pytest.raises(UserError, match="there is no run nobody"):
        summary.text(warehouse, "nobody")


def test_what_stopped_a_run_is_told_once(warehouse_db, tmp_path):
    """The verdict tells it, so the warnings do not; a milder fault of the same run is told beside."""
    night = sample.night(warehouse_db, tmp_path)
    sample.add_run(
        night, "rejected", "the sources gate stopped the run: orders: share of rows with a customer"
    )
    stopped = Result(
        "sources", "orders", "customer_present_share", "critical", False, value=0.1, unit="share"
    )
    late = replace(stopped, expectation="newest_age_days", severity="warning", value=9, unit="days", most=3)
    with night.warehouse.connect() as conn:
        store(conn, night, (stopped, late))
    flowing = " ".join(told(night).split())
    assert flowing.count("share of rows with a customer") == 1
    assert "Warnings - Orders: age of the newest order (found 9 days, expected at most 3 days)" in flowing


def test_movers_who_ordered_nothing_in_between_are_counted(night):
    with night.warehouse.connect() as conn:
        movers = db.rows(
            conn,
            "update segments.customer_segments as cs set previous_segment_id = 1 + mod(cs.segment_id, 6) "
            "from (select customer_id from segments.customer_segments where run_id = %(run_id)s "
            "order by customer_id limit 5) as moved "
            "where cs.run_id = %(run_id)s and cs.customer_id = moved.customer_id returning cs.customer_id",
            night.params,
        )
        # one ordered on the parent date itself, one looked around, one bought on the date, which comes too late
        days = (sample.BEFORE, 1), (sample.BEFORE, 0), (sample.TODAY, 1)
        for month in (sample.BEFORE.replace(day=1), sample.TODAY.replace(day=1)):
            partitions.make_month(conn, "features", "customer_day", month)
        for mover, (day, orders) in zip(movers, days, strict=False):
            db.execute(
                conn,
                "insert into features.customer_day (customer_id, day, orders) "
                "values (%(customer_id)s, %(day)s, %(orders)s)",
                {**mover, "day": day, "orders": orders},
            )
        found = data.moved_without_orders(conn, data.find_run(conn, night.run_id))
    assert found == 4
    assert "since 2025-05-31, 4 of them without an order in between." in " ".join(told(night).split())
