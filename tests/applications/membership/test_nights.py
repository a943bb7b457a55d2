"""Membership in nights as they are: published, run again, withdrawn, released, erased."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from segmentation import applications
from segmentation.applications import membership
from segmentation.operations import erasure, withdraw
from segmentation.publishing import publish as publishing
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.warehouse import db
from tests.publishing.test_publish import FIRST, SECOND, SPEND, THIRD, THREE, Publisher, chosen
from tests.small_shop import progress_list, silent

MOVED = {**THREE, "e": 0, "f": 0}


@pytest.fixture
def shop(warehouse_db, tmp_path, monkeypatch) -> Publisher:
    monkeypatch.setattr(applications, "registered", lambda: (membership.APPLICATION,))
    return Publisher(warehouse_db, tmp_path)


def publish(shop: Publisher, day, clusters=THREE, kind: str = "keep") -> Night:
    night = shop.night(day)
    shop.stage(night, clusters)
    if "membership" not in shop.settings.applications.off:
        applications.prepare(night, "membership", silent)
    publishing.publish(night, chosen(clusters, SPEND, kind), silent, beside=applications)
    return night


def is_equal_to_the_dates(shop: Publisher) -> bool:
    """Both ways, for every published date."""
    differences = """
        with dates as (
            select as_of_date, customer_id, segment_id from segments.customer_segments
        ),
        intervals as (
            select r.as_of_date, m.customer_id, m.segment_id
            from (select distinct as_of_date from segments.runs where status = 'published') as r
            inner join segments.membership as m on m.valid_from <= r.as_of_date and m.valid_to > r.as_of_date
        )
        (select * from dates except all select * from intervals)
        union all
        (select * from intervals except all select * from dates)
    """
    return shop.see(differences) == []


def changes(shop: Publisher, day) -> dict[str, str]:
    query = "select customer_id, reason from segments.membership_changes where as_of_date = %(d)s order by 1"
    return dict(shop.see(query, d=day))


def test_it_follows_nights_that_are_new_run_again_late_and_withdrawn(shop):
    publish(shop, FIRST, kind="new")
    publish(shop, THIRD, MOVED)
    assert changes(shop, THIRD) == {"e": "moved", "f": "moved"}
    publish(shop, SECOND, {c: k for c, k in MOVED.items() if c != "l"})  # a late one, in the middle
    assert changes(shop, SECOND) == {"e": "moved", "f": "moved", "l": "left"}
    assert changes(shop, THIRD) == {"l": "returned"}
    assert is_equal_to_the_dates(shop)
    publish(shop, SECOND, THREE)
    assert changes(shop, SECOND) == {}
    assert changes(shop, THIRD) == {"e": "moved", "f": "moved"}
    withdraw.withdraw(shop.warehouse, THIRD, "ana")
    assert changes(shop, THIRD) == {}
    assert is_equal_to_the_dates(shop)
    withdraw.withdraw(shop.warehouse, FIRST, "ana")
    assert set(changes(shop, SECOND).values()) == {"entered"}
    assert is_equal_to_the_dates(shop)


def test_a_new_model_is_told_apart_from_a_customer_who_changed(shop):
    publish(shop, FIRST, kind="new")
    publish(shop, SECOND, MOVED, kind="new")
    assert changes(shop, SECOND) == {"e": "refit", "f": "refit"}


def test_a_publication_that_fails_leaves_it_as_it_was(shop):
    publish(shop, FIRST)
    before = shop.see("select * from segments.membership order by 1, 3")
    night = shop.night(SECOND)
    shop.stage(night, MOVED)

    def fail(conn, night):
        applications.publish(conn, night)
        raise ValueError("too late")

    with pytest.raises(ValueError, match="too late"):
        publishing.publish(
            night,
            chosen(MOVED, SPEND),
            silent,
            beside=SimpleNamespace(count=applications.count, publish=fail),
        )
    assert shop.see("select * from segments.membership order by 1, 3") == before


def test_turned_on_again_it_takes_in_what_it_has_missed(shop):
    publish(shop, FIRST)
    shop.settings = Settings(
        shop={"name": "tiny", "source": "online_retail"}, applications={"off": ["membership"]}
    )
    publish(shop, SECOND, MOVED)
    publish(shop, FIRST, {**THREE, "a": 2})
    shop.settings = Settings(shop={"name": "tiny", "source": "online_retail"})
    publish(shop, THIRD, MOVED)
    assert is_equal_to_the_dates(shop)


def test_who_was_erased_is_in_no_interval_and_no_change(shop, monkeypatch):
    monkeypatch.setattr(erasure, "_refuse_if_there", lambda *_: None)  # the shop has erased them
    publish(shop, FIRST)
    publish(shop, SECOND, MOVED)
    night = Night("erasure", THIRD, shop.settings, shop.warehouse, shop.warehouse, shop.store)
    assert erasure.erase(night, "e")["segments.membership"] == 2
    for relation in ("membership", "membership_changes"):
        assert shop.see(f"select count(*) from segments.{relation} where customer_id = 'e'") == [(0,)]
    assert is_equal_to_the_dates(shop)
    publish(shop, THIRD, {c: k for c, k in MOVED.items() if c != "e"})
    assert changes(shop, THIRD) == {}
    assert is_equal_to_the_dates(shop)


def test_its_section_counts_and_names_nobody(shop):
    publish(shop, FIRST)
    night = publish(shop, SECOND, MOVED)
    with shop.warehouse.connect(readonly=True) as conn:
        (shown,) = applications.sections(conn, register.find(conn, night.run_id), shop.settings)
    assert shown.facts == {
        "dates": [
            {"as_of_date": SECOND, "entered": 0, "gone": 0, "moved": 2},
            {"as_of_date": FIRST, "entered": 12, "gone": 0, "moved": 0},
        ]
    }


def test_a_webhook_without_a_key_is_said_and_no_night_fails(shop):
    publish(shop, FIRST)
    told = {"membership": {"webhook": "http://127.0.0.1:9/"}}
    settings = Settings(shop={"name": "tiny", "source": "online_retail"}, applications=told)
    said, progress = progress_list()
    membership.tell(shop.warehouse, settings, progress)
    assert len(said) == 1 and "membership_webhook" in said[0]
    membership.tell(shop.warehouse, shop.settings, progress)  # off
    assert len(said) == 1


def test_the_maintenance_forgets_what_ended_long_ago(shop):
    from segmentation.operations import maintenance

    for n, clusters in enumerate((THREE, MOVED, MOVED)):
        publish(shop, FIRST + timedelta(days=n), clusters)
    with shop.warehouse.connect() as conn:
        db.execute(conn, "update segments.runs set dropped_at = now() where as_of_date = %(d)s", {"d": FIRST})
    kept = {"membership": {"keep_days": 2}}
    shop.settings = Settings(shop={"name": "tiny", "source": "online_retail"}, applications=kept)
    said, progress = progress_list()
    newest = FIRST + timedelta(days=3)
    maintenance._forget_of_applications(shop.warehouse, shop.settings, newest, progress)
    assert shop.see("select count(*) from segments.membership where valid_to <= %(d)s", d=SECOND) == [(0,)]
    assert len(said) == 1 and "2 of membership" in said[0]
