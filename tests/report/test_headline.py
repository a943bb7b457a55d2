"""The headline by mail: to whom it is wanted by, when it is due, with its pictures, and no customer in it."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from segmentation import settings
from segmentation.report import data, headline, pictures
from segmentation.runs.night import Night
from segmentation.settings import Headline
from segmentation.warehouse import db
from tests.alerts import receivers
from tests.report import sample

TO = ("head.of.marketing@shop.test", "crm@shop.test")


@pytest.fixture
def box(monkeypatch) -> Iterator[receivers.Mailbox]:
    """A mail server that the connection `alerts` names."""
    with receivers.mailbox() as made:
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS", json.dumps({"conn_type": "generic", "password": made.url}))
        yield made


def wanting(night: Night, language: str = "en", **wanted) -> Night:
    told = night.settings.model_copy(update={"headline": Headline(to=TO, **wanted), "language": language})
    return replace(night, settings=told)


def send(night: Night) -> list[str]:
    said: list[str] = []
    headline.send(night, said.append)
    return said


def see(night: Night) -> list[dict]:
    with night.warehouse.connect(readonly=True) as conn:
        return db.rows(conn, "select as_of_date, taken, fault from operations.headline_mails order by 1")


def test_nobody_gets_one_who_did_not_ask(night, box):
    assert settings.Settings().headline.to == ()
    assert send(night) == []
    assert (box.mails, see(night)) == ([], [])


@pytest.mark.parametrize(("language", "said"), [("en", "6 customer segments"), ("zh", "6 个客户分群")])
def test_each_address_gets_the_figures_with_pictures_and_no_customer(night, box, language, said):
    assert send(wanting(night, language)) == ["headline: mailed to 2 of 2 addresses"]
    assert sorted(mail["To"] for mail in box.mails) == sorted(TO)
    for mail in box.mails:
        html, text = (mail.get_body((kind,)).get_content() for kind in ("html", "plain"))
        shown = [part for part in mail.walk() if part.get_content_type() == "image/png"]
        names = {part["Content-ID"].strip("<>") for part in shown}
        assert {f"segment_{kind.segment_id}.png" for kind in sample.KINDS} == names
        assert names == set(re.findall(r"cid:([\w.]+)", html))
        assert all(part.get_content().startswith(b"\x89PNG") for part in shown)
        assert said in html and said in text
        assert all(kind.name in text for kind in sample.KINDS)
        assert not re.search(r"c0\d{4}", mail.as_string() + html + text)
        assert not any(other in mail.as_string() for other in TO if other != mail["To"])
    assert see(night) == [{"as_of_date": sample.TODAY, "taken": 2, "fault": None}]


def test_a_date_is_told_once_and_a_week_too(night, before, box):
    send(wanting(night))
    assert send(wanting(night)) == []
    assert len(box.mails) == 2
    with night.warehouse.connect() as conn:  # the day before, in the same week, was told already
        db.execute(conn, "update operations.headline_mails set as_of_date = %(day)s", {"day": sample.BEFORE})
    assert send(wanting(night)) == []
    assert send(wanting(night, when="change")) != []  # a segment was split
    assert len(box.mails) == 4
    send(wanting(before, when="change"))  # not the newest date
    assert len(box.mails) == 4


def test_a_date_on_which_little_changed_is_not_told(night, box):
    with night.warehouse.connect() as conn:
        db.execute(conn, "update segments.segment_events set event = 'survive', customers_before = customers")
    facts = data.read(night)
    assert not headline.has_changed(facts, 0.1)
    assert send(wanting(night, when="change")) == []
    assert box.mails == []
    shrunk = [
        replace(one, event={"event": "survive", "customers_before": 2 * one.customers})
        for one in facts.segments
    ]
    assert headline.has_changed(replace(facts, segments=shrunk), 0.1)


@pytest.mark.parametrize("status", ["withdrawn", "failed", "rejected"])
def test_a_date_that_is_not_published_is_not_told(night, box, status):
    with night.warehouse.connect() as conn:
        query = "update segments.runs set status = %(status)s where run_id = %(run_id)s"
        db.execute(conn, query, {**night.params, "status": status})
    send(wanting(night))
    assert box.mails == []


def test_without_a_mail_server_it_says_so_and_fails_nothing(night, monkeypatch):
    monkeypatch.setenv(
        "AIRFLOW_CONN_ALERTS", json.dumps({"conn_type": "generic", "password": "json://x.test"})
    )
    said = send(wanting(night))
    assert "names no mail server" in said[1]
    ((row),) = see(night)
    assert row["taken"] == 0 and not any(address in row["fault"] for address in TO)


def test_what_nobody_took_is_tried_again(night, monkeypatch):
    nobody = json.dumps({"conn_type": "generic", "password": "json://x.test"})
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS", nobody)
    send(wanting(night))
    with receivers.mailbox() as box:
        mail = json.dumps({"conn_type": "generic", "password": box.url})
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS", mail)
        assert send(wanting(night)) == ["headline: mailed to 2 of 2 addresses"]
        assert send(wanting(night)) == []
        assert len(box.mails) == 2
    assert see(night) == [{"as_of_date": sample.TODAY, "taken": 2, "fault": None}]


def test_an_address_that_is_none_is_refused_without_telling_it():
    with pytest.raises(ValueError, match="entry 2 is no mail address"):
        Headline(to=("a@shop.test", "not an address"))


def test_a_picture_shows_the_line_where_it_is():
    rising = pictures.trend([(sample.BEFORE, 10.0), (sample.TODAY, 100.0)], 1)
    falling = pictures.trend([(sample.BEFORE, 100.0), (sample.TODAY, 10.0)], 1)
    assert rising != falling
    assert int.from_bytes(rising[16:20], "big") == pictures.SIZE[0]
    assert pictures.trend([(sample.TODAY, 1.0)], 1) is None
