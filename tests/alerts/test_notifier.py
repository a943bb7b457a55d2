"""Delivery: to a real SMTP server and a real HTTP endpoint, and what happens when nobody takes it."""

import json
import logging
from datetime import date

import pytest

from segmentation import settings
from segmentation.alerts import notifier
from segmentation.alerts.message import Alert, render
from segmentation.warehouse import db

ALERT = Alert(
    "task",
    "demo",
    date(2026, 11, 23),
    "20261123-aaaa0001",
    what=("fit: ValueError: no",),
    readers=date(2026, 11, 22),
    rerun="make run AS_OF=2026-11-23",
    runbook="docs/runbooks/task.md",
    facts={"task": "fit", "is_published": False},
)


def send(warehouse: db.Database) -> dict:
    """Send the alert; returns what was recorded."""
    notifier.SegmentationNotifier(ALERT, lambda: warehouse)({})
    with warehouse.connect(readonly=True) as conn:
        return db.row(conn, "select delivered, error, text from quality.alerts")


def connect(monkeypatch: pytest.MonkeyPatch, password: str = "", **extra: object) -> None:
    fields = {"conn_type": "generic", "password": password, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS", json.dumps(fields))


def test_both_receivers_get_the_same_message(deployment, mailbox, told, caplog):
    caplog.set_level(logging.INFO)
    recorded = send(deployment)
    text = render(ALERT, "en")
    (mail,), (body,) = mailbox.mails, told.bodies
    assert mail["subject"] == body["title"] == text.title == "[demo] 2026-11-23: task fit failed"
    assert mail["to"] == "oncall@shop.test"
    assert mailbox.text(mail).split() == body["message"].split() == text.body.split()
    assert body["type"] == "failure"
    assert recorded == {"delivered": True, "error": None, "text": str(text)}
    assert "alert sent to receiver 1 (E-Mail), receiver 2 (JSON): [demo]" in caplog.text
    assert "T0KENsecret" not in caplog.text
    assert "oncall@shop.test" not in caplog.text


def test_chinese_arrives_as_it_was_written(deployment, mailbox, told, monkeypatch):
    monkeypatch.setenv("SEGMENTATION__LANGUAGE", "zh")
    settings.load.cache_clear()
    send(deployment)
    text = render(ALERT, "zh")
    assert mailbox.mails[0]["subject"] == told.bodies[0]["title"] == text.title
    assert "重新运行：make run AS_OF=2026-11-23" in mailbox.text(mailbox.mails[0])
    assert told.bodies[0]["message"].split() == text.body.split()


def test_receivers_may_stand_in_the_extra(deployment, mailbox, hook, monkeypatch):
    connect(monkeypatch, urls=[mailbox.url, hook.url])
    assert send(deployment)["delivered"]
    assert (len(mailbox.mails), len(hook.bodies)) == (1, 1)


def test_one_receiver_that_fails_does_not_keep_it_from_the_other(deployment, mailbox, told):
    told.answer = 500
    recorded = send(deployment)
    assert len(mailbox.mails) == 1
    assert recorded["delivered"]
    assert recorded["error"].startswith("receiver 2 (JSON): ")
    assert "500" in recorded["error"]


# What may be wrong with the receivers, and what is said of it.
UNDELIVERABLE = [
    pytest.param("json://localhost:1/hook/T0KENsecret", "receiver 1 (JSON): ", id="nobody listens"),
    pytest.param(
        "mailto://u:T0KENsecret@localhost:1?to=a@b.test", "receiver 1 (E-Mail): ", id="no mail server"
    ),
    pytest.param("nonsense://T0KENsecret", "receiver 1: its URL is not one", id="unknown service"),
    pytest.param("slack://T0KENsecret", "receiver 1: its URL is not one", id="incomplete URL"),
    pytest.param("", "names no receiver", id="empty connection"),
]


@pytest.mark.parametrize(("url", "words"), UNDELIVERABLE)
def test_what_cannot_be_delivered_fails_nothing_is_logged_and_recorded(
    deployment, monkeypatch, caplog, capsys, url, words
):
    caplog.set_level(logging.INFO)
    connect(monkeypatch, url)
    recorded = send(deployment)
    assert recorded["delivered"] is False
    assert words in recorded["error"]
    assert f"nobody is told: the alert is in the log only ({recorded['error']}" in caplog.text
    assert "docs/runbooks/delivery_failed.md" in caplog.text
    assert str(render(ALERT, "en")) in caplog.text
    captured = capsys.readouterr()
    assert "T0KENsecret" not in caplog.text + recorded["error"] + captured.out + captured.err


def test_without_a_connection_the_alert_is_in_the_log_and_the_run_says_so(
    deployment, caplog, monkeypatch, tmp_path
):
    follower = tmp_path / "progress"
    monkeypatch.setenv("SEGMENTATION_PROGRESS", str(follower))
    recorded = send(deployment)
    assert recorded["delivered"] is False
    assert recorded["error"] == "there is no Airflow connection 'alerts'"
    assert str(render(ALERT, "en")) in caplog.text
    assert "nobody is told: the alert is in the log only (there is no Airflow" in follower.read_text()


def test_an_alert_is_sent_even_when_it_cannot_be_recorded(deployment, mailbox, told, caplog):
    nowhere = db.Database("warehouse", {"host": "localhost", "port": 1})
    notifier.SegmentationNotifier(ALERT, lambda: nowhere)({})
    assert len(told.bodies) == 1
    assert "cannot be recorded" in caplog.text


def test_an_incident_that_was_told_is_not_told_again(deployment, mailbox, told):
    send(deployment)
    send(deployment)
    assert (len(mailbox.mails), len(told.bodies)) == (1, 1)


def test_an_alert_before_the_first_night_finds_its_table(new_database, deployment, told):
    empty = new_database()
    assert send(empty)["delivered"]
    assert len(told.bodies) == 1
