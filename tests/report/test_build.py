"""The report of a published date, built from a real warehouse."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from segmentation import report
from segmentation.errors import UserError
from segmentation.quality.results import Result
from segmentation.report import verdict
from segmentation.warehouse import db
from tests.report import sample


def built(night) -> str:
    return report.build(night, progress=lambda text: None).read_text()


@pytest.fixture
def file(night):
    return report.build(night, progress=lambda text: None)


def words_of(page: str) -> str:
    """The text of the page, without tags, in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<(style|script).*?</\1>", "", page, flags=re.S)).split())


def change(night, query: str, **values) -> None:
    with night.warehouse.connect() as conn:
        db.execute(conn, query, {**night.params, **values})


def test_build_writes_beside_the_run_and_as_the_newest(night, file):
    assert file == night.folder / "report.html"
    newest = (night.store / "report.html").read_text()
    # they differ in nothing but the way to the Data Docs
    assert newest == file.read_text().replace('href="../../data_docs/', 'href="data_docs/')
    assert len(newest.encode()) < 3_000_000


def test_build_twice_gives_the_same_file(night, file):
    assert built(night) == file.read_text()


def test_an_earlier_date_leaves_the_newest_report_alone(night, before, file):
    newest = (night.store / "report.html").read_text()
    assert "31 May 2025" in built(before)
    assert (night.store / "report.html").read_text() == newest


def test_what_was_not_met_says_since_when(night):
    change(
        night,
        "insert into segments.quality_results (run_id, as_of_date, gate, table_name, expectation, severity, "
        "success, observed) select 'past-' || n, as_of_date - n, gate, table_name, expectation, severity, "
        "n = 3, 'then ' || n from segments.quality_results, generate_series(1, 3) as n "
        "where run_id = %(run_id)s and not success",
    )
    page = built(night)
    assert f"failing since {night.as_of_date - timedelta(days=2)}" in words_of(page)
    assert "then 3" in page


def test_build_says_the_size_and_the_place(night):
    said = []
    file = report.build(night, said.append)
    assert re.fullmatch(r"report: \d+ kB, .*report\.html", said[0])
    assert str(file) in said[0]


def test_the_page_has_what_a_marketer_and_an_engineer_ask_for(night, file):
    text = words_of(file.read_text())
    for kind in sample.KINDS:
        assert kind.name in text
    for said in (
        "6 customer segments",
        "1,175",  # customers
        "£",
        "high value",
        "buys on discount",
        "days since the last order",
        "at most 61 days since the last order and 8 or more orders ever",
        "Gaussian mixture with 6 segments won among 13 candidates",
        "for information, never used to choose",
        "too few segments",
        "changed segment since 31 May 2025",
        "warning, not met",
        "number of orders on the newest day",
        "number of rows of customers who are not eligible",
        "drift of days since the last order since 2025-05-31",
        "unknown customer 96",
        "rows in = kept + merged + quarantined",
        "future date",
        night.run_id,
        "0d3f5aa91c2e",
        "v0.1.0-12-ga471e37",
        "20250531-aaaa0001",
    ):
        assert said in text, said


def test_the_page_loads_nothing_and_names_no_machine_path(night, file):
    page = file.read_text()
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page)
    assert str(night.store) not in page
    for address in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert address.startswith(("#", "data:,", "../../data_docs/"))


def test_the_page_holds_no_customer(file):
    assert not re.search(r"\bc\d{5}\b", file.read_text())


def test_a_name_is_text_and_never_markup(night):
    change(
        night,
        "update segments.segment_versions set name = %(name)s "
        "where segment_id = 1 and as_of_date = %(as_of_date)s",
        name='<img src=x onerror="alert(1)">',
    )
    page = built(night)
    assert "<img" not in page
    assert "&lt;img src=x" in page


def test_without_coordinates_there_is_no_map_and_the_page_says_so(night):
    (night.folder / "map.parquet").unlink()
    page = built(night)
    assert "There is no map" in page
    assert '<svg class="map"' not in page


def test_the_map_of_a_run_that_knows_clusters_only_is_drawn_by_the_names_of_its_choice(night):
    points = pd.read_parquet(night.folder / "map.parquet")
    clusters = {kind.segment_id: place for place, kind in enumerate(sample.KINDS)}
    points = points.assign(cluster=points["segment_id"].map(clusters)).drop(columns="segment_id")
    points.to_parquet(night.folder / "map.parquet")
    assert "There is no map" in built(night)
    named = [{"cluster": clusters[kind.segment_id], "name": kind.name} for kind in sample.KINDS]
    (night.folder / "choice.json").write_text(json.dumps({"segments": named}))
    assert '<svg class="map"' in built(night)


def test_the_first_date_has_nothing_to_compare_with(before):
    page = built(before)
    assert "the first published date" in page
    assert "chart-movement" not in page
    assert "Changed segment" not in page


def test_a_shop_without_currency_or_labels(warehouse_db, tmp_path):
    night = sample.publish(sample.night(warehouse_db, tmp_path), labels=False)
    change(night, "update core.orders set currency = null")
    page = built(night)
    assert "£" not in page
    assert "never used to choose" not in page


def test_no_structure_is_one_segment_that_is_like_everybody(night):
    for table in ("segment_versions", "segment_profiles"):
        change(night, f"delete from segments.{table} where segment_id <> 5")
    change(night, "update segments.customer_segments set segment_id = 5")
    change(night, "update segments.segment_versions set name = 'Everybody', share = 1, customers = 1175")
    change(night, "delete from segments.segment_migrations")
    change(night, "update segments.segment_profiles set index_vs_all = 100, importance = 0")
    change(night, "update segments.model_leaderboard set chosen = false, gates_failed = '{smallest_share}'")
    change(
        night, "update segments.runs set decision = 'no structure', verdict = 'no structure: nothing passed'"
    )
    text = words_of(built(night))
    assert "One segment: no structure that holds up" in text
    assert "everybody is one segment" in text
    assert "no structure: nothing passed" in text


def test_a_kept_model_is_said_to_be_kept(night):
    change(night, "update segments.model_leaderboard set chosen = (algorithm = 'incumbent')")
    change(night, "update segments.runs set decision = 'keep' where run_id = %(run_id)s")
    assert "The last model was kept, with 5 segments" in words_of(built(night))


def test_nothing_but_empty_tables_still_makes_a_page(night):
    for table in ("segments.model_leaderboard", "segments.quality_results", "segments.segment_profiles"):
        change(night, f"delete from {table}")
    change(night, "delete from core.row_counts")
    text = words_of(built(night))
    for said in ("No candidate was fitted", "No quality results", "no profiles", "cleaned no rows"):
        assert said in text


def test_a_run_that_another_has_replaced_has_no_report(night):
    other = replace(night, run_id="20250601-bbbb0002")
    sample.add_run(other, "published", "later")
    with pytest.raises(UserError, match="no published segments"):
        report.build(other)


def test_an_unknown_run_is_named(warehouse_db, tmp_path):
    with pytest.raises(UserError, match="there is no run nobody"):
        report.build(sample.night(warehouse_db, tmp_path, run_id="nobody"))


def failed(name: str, subject: str = "order_items", family: str = "", **facts) -> Result:
    """A warning that was not met: 5 where at most 3 were expected."""
    figure = {"value": 5, "unit": "count", "most": 3, **facts}
    key = family or name
    return Result("sources", "order_items", name, "warning", False, key, subject, wording=key, **figure)


def test_what_drifted_is_one_warning_and_other_checks_are_one_each():
    said = "Order items: revenue on the newest day (found 5, expected at most 3)"
    assert verdict.warnings([failed("newest_day_revenue")], []) == [said]
    names = ("recency_days", "orders_30d", "spend_30d", "return_rate", "tenure_days")
    drifted = [failed(f"drift_{name}", name, "drift") for name in names]
    one = "Customers are not what they were the last time: days since the last order"
    assert verdict.warnings([drifted[0], failed("newest_day_revenue")], []) == [said, one]
    assert verdict.warnings(drifted, []) == [
        f"{one}, orders in 30 days, spend in 30 days and 2 more features"
    ]
    assert len(verdict.warnings(drifted[:4], [])) == 1


def test_rows_that_were_refused_are_told_once():
    rows = [{"table_name": "order_items", "rows_in": 10, "quarantined": 4, "rules": {"price_negative": 4}}]
    broken = failed("broken_share_is_low", family="broken_share", value=0.4, unit="share", most=0.1)
    (alone,) = verdict.warnings([], rows)
    assert alone == "40% of the order items were set aside (4 of 10): price negative 4"
    (told,) = verdict.warnings([broken], rows)
    assert told == "Order items: share of rows refused for a fault (found 40.0 %, expected at most 10.0 %)"
