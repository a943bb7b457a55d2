"""A published date is taken back: readers see the date before, whole, and lineage goes on without it."""

from datetime import date

import pytest

from segmentation.errors import DecisionError, LeaseError
from segmentation.operations import withdraw as withdrawing
from segmentation.publishing import publish as publishing
from segmentation.runs import register, stale
from segmentation.warehouse import db
from tests.publishing.test_publish import (
    CUSTOMERS,
    FIRST,
    PUBLIC,
    SECOND,
    SPEND,
    THIRD,
    THREE,
    Publisher,
    chosen,
)
from tests.small_shop import contents, silent

OTHER = {c: (0 if THREE[c] < 2 else 1) for c in CUSTOMERS}
FAR = date(2099, 1, 1)


@pytest.fixture
def shop(warehouse_db, tmp_path) -> Publisher:
    return Publisher(warehouse_db, tmp_path)


def public(shop: Publisher) -> dict[str, list[str]]:
    return contents(shop.warehouse, [*PUBLIC, "segments.segment_events", "segments.segment_rules"])


def withdraw(shop: Publisher, day: date) -> withdrawing.Withdrawn:
    return withdrawing.withdraw(shop.warehouse, day, "ada", "a wrong digit")


@pytest.mark.parametrize("day", [THIRD, FAR])
def test_everything_readers_see_is_that_of_the_date_before(shop, day):
    shop.publish(FIRST, THREE)
    shop.publish(SECOND, THREE)
    before = public(shop)
    shop.publish(day, OTHER)
    done = withdraw(shop, day)
    after = public(shop)
    reserved = [row for row in after["segments.segments"] if row not in before["segments.segments"]]
    assert all('"status": "vanished"' in row and f'"given_on": "{day}"' in row for row in reserved)
    after["segments.segments"] = [row for row in after["segments.segments"] if row not in reserved]
    assert after == before
    assert (done.newest, done.by, done.stale, done.is_empty) == (SECOND, "ada", (), False)


def test_who_and_why_is_kept(shop):
    shop.publish(FIRST, THREE)
    shop.publish(SECOND, THREE)
    run_id = withdraw(shop, SECOND).run_id
    query = (
        "select status, withdrawn_by, withdrawn_note, withdrawn_at is not null, verdict "
        "from segments.runs where run_id = %(r)s"
    )
    assert shop.see(query, r=run_id) == [
        (
            "withdrawn",
            "ada",
            "a wrong digit",
            True,
            "withdrawn by ada (a wrong digit); it was published: kmeans-3 won",
        )
    ]


def test_the_next_date_follows_the_one_that_is_left_and_keeps_its_ids(shop):
    shop.publish(FIRST, THREE)
    shop.publish(SECOND, OTHER)
    withdraw(shop, SECOND)
    shop.publish(THIRD, THREE)
    assert shop.ids(THIRD) == shop.ids(FIRST)
    assert shop.see("select parent_as_of_date from segments.runs where as_of_date = %(d)s", d=THIRD) == [
        (FIRST,)
    ]


def test_run_again_it_is_published_with_the_ids_that_it_had(shop):
    shop.publish(FIRST, THREE)
    shop.publish(SECOND, OTHER)
    ids = shop.ids(SECOND)
    withdraw(shop, SECOND)
    shop.publish(SECOND, OTHER)
    assert shop.ids(SECOND) == ids


def test_the_rules_go_back_too(shop):
    shop.publish(FIRST, THREE)
    before = shop.see("select prosrc from pg_proc where proname = 'segment_by_rule'")
    shop.publish(SECOND, OTHER)
    with shop.warehouse.connect() as conn:
        db.execute(conn, "update segments.segment_rules set segment_id = segment_id")
    withdraw(shop, SECOND)
    assert shop.see("select prosrc from pg_proc where proname = 'segment_by_rule'") == before


def test_the_date_before_may_have_rules_on_features_that_are_in_no_dictionary_any_more(shop):
    """They are unknown of everybody who comes now; the date is taken back all the same."""
    shop.publish(FIRST, THREE)
    rule = 'coalesce("feature_of_before" > 3, false)'
    with shop.warehouse.connect() as conn:
        db.execute(
            conn,
            "insert into segments.segment_rules (as_of_date, segment_id, rule_number, run_id, rule, condition, "
            "customers, rule_precision, rule_recall) "
            "values (%(d)s, 2, 1, 'run', 'feature_of_before > 3', %(rule)s, 9, 1, 1)",
            {"d": FIRST, "rule": rule},
        )
    shop.publish(SECOND, OTHER)
    withdraw(shop, SECOND)
    asked = "select segments.segment_by_rule('{\"feature_of_before\": 4}'), segments.segment_by_rule('{}')"
    assert shop.see(asked) == [(2, None)]


def test_dates_after_it_are_stale_and_say_why(shop):
    for day in (FIRST, SECOND, THIRD):
        shop.publish(day, THREE)
    done = withdraw(shop, SECOND)
    assert done.stale == (THIRD,)
    assert done.newest == THIRD
    with shop.warehouse.connect() as conn:
        (found,) = stale.dates(conn)
    assert found.why == f"{SECOND}, which it followed, was withdrawn"


@pytest.mark.parametrize("day", [SECOND, THIRD])
def test_a_run_under_way_that_is_of_it_or_follows_it_is_in_the_way(shop, day):
    shop.publish(FIRST, THREE)
    shop.publish(SECOND, THREE)
    before = public(shop)
    night = shop.night(day)
    with pytest.raises(DecisionError, match=f"run {night.run_id} .*under way"):
        withdraw(shop, SECOND)
    assert public(shop) == before
    register.finish(shop.warehouse, night.run_id, "failed", "ended")
    assert withdraw(shop, SECOND).newest == FIRST


def test_a_run_whose_parent_is_withdrawn_all_the_same_publishes_nothing(shop):
    """It would match its clusters with a date that is not there, and give everybody a new segment."""
    shop.publish(FIRST, THREE)
    shop.publish(SECOND, THREE)
    night = shop.night(THIRD)
    shop.stage(night, THREE)
    with shop.warehouse.connect() as conn:
        db.execute(
            conn, "update segments.runs set status = 'withdrawn' where as_of_date = %(d)s", {"d": SECOND}
        )
    with pytest.raises(LeaseError, match="which was withdrawn meanwhile"):
        publishing.publish(night, chosen(THREE, SPEND), silent)


def test_the_only_date_leaves_nothing(shop):
    shop.publish(FIRST, THREE)
    assert withdraw(shop, FIRST).newest is None
    for relation in ("current_customer_segments", "assign_by_rule", "segment_versions", "customer_segments"):
        assert shop.see(f"select count(*) from segments.{relation}") == [(0,)]


@pytest.mark.parametrize("says", ["nothing to withdraw", f"newest run .* is {'failed'}"])
def test_what_is_not_published_is_refused(shop, says):
    if "failed" in says:
        register.finish(shop.warehouse, shop.night(SECOND).run_id, "failed", "broken")
    with pytest.raises(DecisionError, match=f"{SECOND} is not published.*{says}"):
        withdraw(shop, SECOND)


def test_exported_audiences_are_those_of_the_date_before(shop, tmp_path):
    from segmentation.applications import audiences

    folder = tmp_path / "audiences"
    folder.mkdir()
    for day in (FIRST, SECOND):
        shop.publish(day, THREE)
        audiences.export(shop.warehouse, folder, shop.settings.audiences, silent)
    withdraw(shop, SECOND)
    audiences.take_back(shop.warehouse, folder, shop.settings, SECOND, silent)
    assert f'"as_of_date": "{FIRST}"' in (folder / "manifest.json").read_text()
    assert not (folder / f"{SECOND}").exists()
    withdraw(shop, FIRST)
    audiences.take_back(shop.warehouse, folder, shop.settings, FIRST, silent)
    assert list(folder.iterdir()) == []
