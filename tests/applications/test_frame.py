"""The frame of the applications: staged by a run, written with the date, gone with it."""

from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from segmentation import applications
from segmentation.applications import Application
from segmentation.errors import DecisionError, SettingsError
from segmentation.operations import withdraw
from segmentation.publishing import publish as publishing
from segmentation.runs import register
from segmentation.settings import Settings
from segmentation.warehouse import db
from tests.publishing.test_publish import SPEND, THREE, Publisher, chosen
from tests.small_shop import silent

DAY, LATER = date(2024, 3, 1), date(2024, 3, 2)
TABLE = "customer_visits"


def prepare(night, progress):
    """One visit of each of three customers, one of whom nobody knows."""
    rows = pd.DataFrame({"customer_id": ["a", "b", "nobody"], "visits": [1, 2, 3]})
    with night.warehouse.connect() as conn:
        applications.stage(conn, night, TABLE, rows)
    progress("three")
    return {"visits": len(rows)}


def publish(conn, night):
    table = applications.staged(night, TABLE)
    db.execute(
        conn,
        f"insert into segments.{TABLE} select s.as_of_date, s.customer_id, v.visits from {table} as v "
        "inner join segments.customer_segments as s using (customer_id) where s.as_of_date = %(as_of_date)s",
        night.params,
    )


def section(conn, run):
    query = f"select sum(visits) as visits from segments.{TABLE} where as_of_date = %(as_of_date)s"
    found = db.one(conn, query, run.params)
    return found if found["visits"] else None


VISITS = Application("visits", "Visits", (TABLE,), prepare, publish, section)


@pytest.fixture
def shop(warehouse_db, tmp_path, monkeypatch):
    monkeypatch.setattr(applications, "registered", lambda: (VISITS,))
    with warehouse_db.connect() as conn:
        db.execute(conn, f"create table segments.{TABLE} (as_of_date date, customer_id text, visits int)")
    return Publisher(warehouse_db, tmp_path)


def prepared(shop, day):
    night = shop.night(day)
    shop.stage(night, THREE)
    assert applications.prepare(night, "visits", silent) == {"visits": 3}
    return night


def published(shop, day):
    night = prepared(shop, day)
    publishing.publish(night, chosen(THREE, SPEND), silent, beside=applications)
    return night


def rows(shop):
    return shop.see(f"select as_of_date, customer_id, visits from segments.{TABLE} order by 1, 2")


def staged(shop):
    return shop.see("select relname from pg_class where relname like 'customer_visits_2%%' order by 1")


def test_rows_are_published_with_the_segments_and_again_with_the_date(shop):
    published(shop, DAY)
    assert rows(shop) == [(DAY, "a", 1), (DAY, "b", 2)]
    published(shop, DAY)
    assert rows(shop) == [(DAY, "a", 1), (DAY, "b", 2)]
    assert staged(shop) == []


def test_nothing_is_seen_of_a_publication_that_fails(shop):
    published(shop, DAY)
    night = prepared(shop, LATER)

    def fail(conn, night):
        applications.publish(conn, night)
        raise ValueError("too late")

    with pytest.raises(ValueError, match="too late"):
        publishing.publish(
            night,
            chosen(THREE, SPEND),
            silent,
            beside=SimpleNamespace(count=applications.count, publish=fail),
        )
    assert {row[0] for row in rows(shop)} == {DAY}
    publishing.publish(night, chosen(THREE, SPEND), silent, beside=applications)
    assert {row[0] for row in rows(shop)} == {DAY, LATER}


def test_what_is_staged_outlives_a_crash_of_the_server(shop):
    """A held night may wait for days; a server that crashes empties tables that are not logged."""
    prepared(shop, DAY)
    query = "select relpersistence from pg_class where relname like 'customer_visits_2%%' order by 1"
    assert shop.see(query) == [("p",)]


def test_what_was_turned_on_after_the_night_began_is_named_and_nothing_is_published(shop):
    published(shop, DAY)
    night = shop.night(LATER)
    shop.stage(night, THREE)
    with pytest.raises(DecisionError, match=r"has prepared no visits.*run the date again.*applications\.off"):
        publishing.publish(night, chosen(THREE, SPEND), silent, beside=applications)
    assert {row[0] for row in rows(shop)} == {DAY}
    assert shop.see("select count(*) from segments.segment_versions where as_of_date = %(d)s", d=LATER) == [
        (0,)
    ]


def test_what_a_dead_run_has_staged_goes_with_the_next_one(shop):
    night = prepared(shop, DAY)
    register.finish(shop.warehouse, night.run_id, "failed", "it was killed")
    (left,) = staged(shop)
    prepared(shop, LATER)
    assert left not in staged(shop)
    assert len(staged(shop)) == 1


def test_a_withdrawn_date_has_no_rows(shop):
    published(shop, DAY)
    published(shop, LATER)
    withdraw.withdraw(shop.warehouse, LATER, "ana")
    assert {row[0] for row in rows(shop)} == {DAY}


def test_one_that_is_turned_off_writes_nothing_and_its_rows_of_the_date_go(shop):
    published(shop, DAY)
    shop.settings = Settings(
        shop={"name": "tiny", "source": "online_retail"}, applications={"off": ["visits"]}
    )
    night = shop.night(DAY)
    shop.stage(night, THREE)
    publishing.publish(night, chosen(THREE, SPEND), silent, beside=applications)
    assert rows(shop) == []


def test_a_section_is_shown_where_there_is_something_to_show(shop):
    night = published(shop, DAY)
    with shop.warehouse.connect(readonly=True) as conn:
        (found,) = applications.sections(conn, register.find(conn, night.run_id), shop.settings)
        nothing = applications.sections(conn, SimpleNamespace(params={"as_of_date": LATER}), shop.settings)
    assert (found.name, found.template, found.facts) == ("visits", "visits/section.html.j2", {"visits": 3})
    assert nothing == []


def test_a_name_that_there_is_not_is_refused_with_the_nearest(shop):
    settings = Settings(shop={"name": "tiny", "source": "online_retail"}, applications={"off": ["visit"]})
    with pytest.raises(SettingsError, match=r"no application visit .*is visits meant"):
        applications.enabled(settings)


def test_every_application_has_its_folder_template_and_docs():
    for one in applications.registered():
        folder = applications.FOLDER / one.name
        assert (folder / applications.TEMPLATE).exists()
        assert one.tables or one.withdraw
