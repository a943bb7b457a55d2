"""Incidents as alerts: gates, tasks, deadlines, recoveries; real Postgres, real receivers."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from segmentation import alerts, settings
from segmentation.alerts import deadline, incidents
from segmentation.errors import GateFailed, HeldError, MismatchError, SourceError
from segmentation.pipeline import callbacks
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.warehouse import db

DAY, BEFORE = date(2026, 11, 23), date(2026, 11, 22)
DUE = datetime(2026, 11, 23, 2, tzinfo=UTC)


def context(night: Night | None, exception: BaseException, task: str = "clean", **run: Any) -> dict[str, Any]:
    """The context that Airflow hands to a callback."""
    reference = night and {"run_id": night.run_id, "as_of_date": night.as_of_date.isoformat()}
    return {
        "exception": exception,
        "params": {"as_of_date": run.pop("param", DAY.isoformat())},
        "ti": SimpleNamespace(
            task_id=task,
            dag_id=run.pop("dag_id", "customer_segmentation"),
            map_index=run.pop("map_index", -1),
            xcom_pull=lambda **_: reference,
        ),
        "dag_run": SimpleNamespace(run_id="manual__1", logical_date=None, run_after=DUE),
    }


def publish(night: Night) -> None:
    """Publication, as far as alerts see it."""
    with night.warehouse.connect() as conn:
        db.execute(
            conn,
            "update segments.runs set status = 'published', published_at = now(), "
            """counts = '{"customers": 4297, "segments": 6}' where run_id = %(run_id)s""",
            night.params,
        )


def recorded(night_or_warehouse: Any) -> list[dict[str, Any]]:
    warehouse = getattr(night_or_warehouse, "warehouse", night_or_warehouse)
    with warehouse.connect(readonly=True) as conn:
        return db.rows(conn, "select * from quality.alerts order by at, kind")


def fail_gate(night: Night) -> GateFailed:
    """Rows refused for a fault, the gate's results, and the exception that it raises."""
    with night.warehouse.connect() as conn:
        db.execute(
            conn,
            "insert into segments.quality_results "
            "(run_id, as_of_date, gate, table_name, expectation, severity, success, observed, expected, "
            "failing_rows, link, family, subject, value, unit, most, wording, details) values "
            "(%(run_id)s, %(as_of_date)s, 'sources', 'orders', 'broken_share', 'critical', false, 'English', "
            "'of no use', 7, 'data_docs/2026-11-23/run/cleaning.html', 'broken_share', 'orders', 0.41, "
            """'share', 0.3, 'broken_share', '{"rules": {"future_date": 7}}')""",
            night.params,
        )
        for key, rule in (
            *((f"{n}", "future_date") for n in range(536360, 536367)),
            ("anna.bauer@mail.example", "absurd_amount"),
            ("Anna Bauer", "future_date"),
            ("777", "customer_missing"),
        ):
            db.execute(
                conn,
                "insert into quarantine.orders (day, order_id, customer_id, rule, run_id) "
                "values (%(as_of_date)s, %(key)s, 'C-secret-17', %(rule)s, %(run_id)s)",
                {**night.params, "key": key, "rule": rule},
            )
    return GateFailed("the sources gate stopped the run of 2026-11-23, in words that nobody parses")


def test_a_failed_gate_says_what_was_found_where_and_what_to_do(start, told, mailbox):
    publish(start(BEFORE))
    night = start(DAY)
    callbacks.record_failure(context(night, fail_gate(night), "clean"))
    (body,) = told.bodies
    said = body["message"]
    assert body["title"] == "[demo] 2026-11-23: bad data, the sources gate stopped the night"
    finding = "orders: share of rows refused for a fault is 41.0 % (future date 7) (7 rows), expected at most"
    assert f"- {finding} 30.0 %\n" in said
    assert "the segments of 2026-11-22 stay published" in said
    assert "/data_docs/2026-11-23/run/cleaning.html" in said
    assert """airflow dags trigger customer_segmentation --conf '{"as_of_date": "2026-11-23"}'""" in said
    assert "docs/runbooks/gate.md" in said
    assert night.run_id in said
    examples = [line for line in said.splitlines() if line.startswith("- orders ")]
    assert 1 < len(examples) <= 5
    assert "- orders 536360: future_date" in examples
    assert mailbox.text(mailbox.mails[0]).split() == said.split()
    with night.warehouse.connect() as conn:
        assert register.find(conn, night.run_id).status == "rejected"


def test_no_alert_has_personal_data_in_it(start, told, mailbox):
    night = start(DAY)
    callbacks.record_failure(context(night, fail_gate(night)))
    other = start(BEFORE)
    fault = ValueError('could not convert: "Anna Bauer", born 1980, anna.bauer@mail.example')
    callbacks.record_failure(context(other, fault, param=BEFORE.isoformat()))
    everything = json.dumps(told.bodies) + "".join(row["text"] for row in recorded(night))
    assert len(told.bodies) == 2
    for secret in ("anna.bauer", "Anna Bauer", "C-secret-17"):
        assert secret not in everything


def test_rows_without_a_column_that_they_need_are_the_examples(start, told):
    night = start(DAY)
    with night.warehouse.connect() as conn:
        for statement in (
            "insert into staging.loads (run_id, table_name, day_from, day_to, rows_loaded) "
            "values (%(run_id)s, 'orders', null, %(as_of_date)s, 3)",
            "insert into staging.orders (day, order_id, customer_id) "
            "select %(as_of_date)s::date - 1, 'A-' || n, ' ' from generate_series(1, 9) as n",
            "insert into segments.quality_results "
            "(run_id, as_of_date, gate, table_name, expectation, severity, success, observed, expected) "
            "values (%(run_id)s, %(as_of_date)s, 'sources', 'orders', "
            "'customer_present_share', 'critical', false, '0.0 %%', 'at least 50.0 %%')",
        ):
            db.execute(conn, statement, night.params)
    callbacks.record_failure(context(night, GateFailed("the sources gate stopped it")))
    said = told.bodies[0]["message"]
    assert said.count("customer_id") == 5
    assert "- orders A-1: customer_id" in said


def test_many_tasks_of_a_run_are_one_alert(start, told, mailbox):
    night = start(DAY)
    for task in ("fit", "fit", "fit", "choose"):
        callbacks.record_failure(context(night, ValueError("no"), task, map_index=1))
    assert (len(told.bodies), len(mailbox.mails), len(recorded(night))) == (1, 1, 1)
    assert told.bodies[0]["title"] == "[demo] 2026-11-23: task fit failed"


def test_a_task_that_fails_before_the_run_is_registered_is_told_once(deployment, told):
    fault = SourceError("unknown source 'nosuch'")
    callbacks.record_failure(context(None, fault, "start"))
    callbacks.record_failure(context(None, fault, "start"))
    assert [body["title"] for body in told.bodies] == ["[demo] 2026-11-23: task start failed"]
    assert "unknown source 'nosuch'" in told.bodies[0]["message"]
    assert recorded(deployment)[0]["incident"] == "2026-11-23/manual__1"


def test_a_run_whose_start_fails_after_it_was_registered_is_ended(start, told):
    night = start(DAY)
    callbacks.record_failure(context(None, ValueError("no"), "start"))
    with night.warehouse.connect() as conn:
        assert register.find(conn, night.run_id).status == "failed"


def test_a_parameter_that_is_no_date_does_not_keep_the_alert_back(deployment, told):
    callbacks.record_failure(context(None, SourceError("as_of_date 'x' is not a date"), "start", param="x"))
    assert told.bodies[0]["title"].startswith("[demo] 2026-11-23: ")


def test_a_failure_after_publication_says_that_the_date_is_published(start, told):
    night = start(DAY)
    publish(night)
    callbacks.record_failure(context(night, ValueError("no picture"), "report"))
    assert (
        "The segments of 2026-11-23 are published; what comes after that failed." in told.bodies[0]["message"]
    )


def test_a_mismatch_of_features_is_told_with_the_way_to_verify_again(start, told):
    publish(start(DAY))
    fault = MismatchError(f"features of {DAY} differ from a full recomputation: orders (3 customers)")
    callbacks.record_failure(context(None, fault, "verify_features", dag_id="warehouse_maintenance"))
    (body,) = told.bodies
    assert body["title"] == f"[demo] {DAY}: task verify_features of warehouse_maintenance failed"
    for part in (
        "differ from a full recomputation: orders (3 customers)",
        "Run it again: airflow dags trigger warehouse_maintenance",
        "What to do: docs/runbooks/maintenance.md",
    ):
        assert part in body["message"], part


def test_a_warehouse_that_is_down_is_told(start, told, monkeypatch):
    night = start(DAY)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", '{"conn_type": "postgres", "host": "localhost", "port": 1}')
    with pytest.raises(Exception, match="Connection refused"):  # Airflow logs it
        callbacks.record_failure(context(night, ConnectionError("the warehouse is gone")))
    assert "ConnectionError: the warehouse is gone" in told.bodies[0]["message"]


def test_a_fault_in_raising_an_alert_is_logged_and_fails_nothing(start, told, monkeypatch, caplog):
    monkeypatch.setattr(incidents, "_send", lambda alert: 1 / 0)
    alerts.held(start(DAY), 0.412, 0.3)
    assert "an alert could not be raised" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_the_link_leads_to_the_task_in_the_ui(start, told, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.test/")
    night = start(DAY)
    callbacks.record_failure(context(night, ValueError("no"), "fit", map_index=2))
    link = "https://airflow.test/dags/customer_segmentation/runs/manual__1/tasks/fit/mapped/2"
    assert f"Look: {link}\n" in told.bodies[0]["message"]


def test_the_details_of_a_gate_are_its_page_in_the_ui(start, told, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.test/")
    night = start(DAY)
    callbacks.record_failure(context(night, fail_gate(night)))
    page = "https://airflow.test/segmentation/data_docs/2026-11-23/run/cleaning.html"
    assert f"Details: {page}\n" in told.bodies[0]["message"]


def test_on_one_machine_the_command_is_that_of_make(start, told, tmp_path):
    (tmp_path / "shop.json").write_text("{}")
    callbacks.record_failure(context(start(DAY), ValueError("no")))
    assert "Run it again: make run SHOP=demo AS_OF=2026-11-23\n" in told.bodies[0]["message"]


def test_a_later_run_that_publishes_tells_that_it_is_over_once(start, told, mailbox):
    failed = start(DAY)
    callbacks.record_failure(context(failed, ValueError("no")))
    again = start(DAY, "manual__2")
    publish(again)
    alerts.recovered(again)
    alerts.recovered(again)
    assert len(told.bodies) == len(mailbox.mails) == 2
    body = told.bodies[1]
    assert body["title"] == "[demo] 2026-11-23: recovered, published after all"
    assert body["type"] == "success"
    assert "4,297 customers in 6 segments of 2026-11-23 are published" in body["message"]
    assert "a task had failed" in body["message"]
    row = recorded(again)[0]
    assert (row["run_id"], row["recovered_by"]) == (failed.run_id, again.run_id)
    assert row["recovered_at"] is not None


def test_a_publication_without_an_incident_says_nothing(start, told):
    callbacks.record_failure(context(start(BEFORE), ValueError("no"), param=BEFORE.isoformat()))
    night = start(DAY, "manual__2")
    publish(night)
    alerts.recovered(night)
    assert len(told.bodies) == 1


def test_a_held_night_has_the_largest_moves_and_both_decisions(start, told):
    publish(start(BEFORE))
    moves = [("Loyal", "Cooling", 1204), ("New", "Loyal", 31), ("Cooling", "Lapsed", 650)]
    alerts.held(start(DAY), 0.412, 0.3, moves, link="https://airflow.test/decide")
    said = told.bodies[0]["message"]
    assert "41.2 % of the customers would change segment, expected at most 30.0 %" in said
    order = [
        said.index(part) for part in ("Loyal -> Cooling: 1,204", "Cooling -> Lapsed: 650", "New -> Loyal: 31")
    ]
    assert order == sorted(order)
    assert "python -m segmentation release 2026-11-23" in said
    assert "python -m segmentation reject 2026-11-23" in said
    assert "https://airflow.test/decide" in said


def test_a_held_night_that_ends_is_not_told_again(start, told, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_ALERTS")
    night = start(DAY)
    alerts.held(night, 0.412, 0.3)
    callbacks.record_failure(context(night, HeldError("rejected by ana"), "approve"))
    assert [row["kind"] for row in recorded(night)] == ["held"]


def test_a_night_without_data_is_told(start, told):
    alerts.no_data(start(DAY))
    assert told.bodies[0]["title"] == "[demo] 2026-11-23: no data, nothing to publish"


# --- late ---------------------------------------------------------------------------------------------------


def miss(run_type: str = "scheduled") -> None:
    """Do what the triggerer does when the deadline of a DAG run has passed."""
    run = {
        "dag_run_id": "scheduled__1",
        "run_type": run_type,
        "logical_date": DUE.isoformat(),
        "run_after": DUE.isoformat(),
    }
    asyncio.run(deadline.missed(context={"dag_run": run}))


def test_a_night_that_is_under_way_at_the_deadline_is_late(start, told):
    night = start(DAY, "scheduled__1")
    miss()
    (body,) = told.bodies
    assert body["title"] == "[demo] 2026-11-23: not published by 06:00"
    assert "The night is under way since" in body["message"]
    assert night.run_id in body["message"]
    publish(night)
    alerts.recovered(night)
    assert "it was late" in told.bodies[1]["message"]


def test_a_night_that_never_began_is_late(start, deployment, told):
    start(DAY - timedelta(days=1), "scheduled__0")
    with deployment.connect() as conn:
        db.execute(conn, "update segments.runs set started_at = %(d)s", {"d": DUE - timedelta(days=1)})
    miss()
    assert "is due and has not begun" in told.bodies[0]["message"]


def test_a_night_of_before_the_installation_is_not_late(start, deployment, told):
    """A scheduler that is new tells of no night that was due before there was one."""
    miss()
    start(DAY - timedelta(days=1), "manual__0")  # somebody tries it, after the night was due
    miss()
    assert told.bodies == []


def test_a_late_night_is_told_without_a_warehouse(deployment, told, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", '{"conn_type": "postgres", "host": "localhost", "port": 1}')
    miss()
    assert "could not reach the warehouse" in told.bodies[0]["message"]


def test_a_date_that_somebody_published_by_hand_is_not_late(start, told):
    publish(start(DAY, "manual__1"))
    miss()
    assert told.bodies == []


@pytest.mark.parametrize("run_type", ["manual", "backfill", "asset_triggered"])
def test_only_scheduled_runs_are_late(start, told, run_type):
    start(DAY, "scheduled__1")
    miss(run_type)
    assert told.bodies == []


def test_a_failure_that_was_told_is_not_told_again_as_late(start, told):
    night = start(DAY, "scheduled__1")
    callbacks.record_failure(context(night, ValueError("no")))
    miss()
    assert len(told.bodies) == 1


def test_a_failure_that_nobody_heard_of_is_told_as_late(start, told):
    night = start(DAY, "scheduled__1")
    told.answer = 500
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_ALERTS", json.dumps({"conn_type": "generic", "password": told.url}))
        callbacks.record_failure(context(night, ValueError("no")))
    told.answer = 200
    miss()
    assert "has ended without publishing (failed)" in told.bodies[0]["message"]
    assert "ValueError: no" in told.bodies[0]["message"]


# When a run starts, the deadline in the settings, and the hours between them.
DEADLINES = [("06:00", 4), ("02:30", 0.5), ("01:00", 23)]


@pytest.mark.parametrize(("time_of_day", "hours"), DEADLINES)
def test_the_deadline_is_the_setting_in_shop_time(monkeypatch, time_of_day, hours):
    monkeypatch.setenv("SEGMENTATION__ALERTS__DEADLINE", time_of_day)
    settings.load.cache_clear()
    made = deadline.of(settings.load(), starts=datetime(2026, 1, 1, 2).time())
    settings.load.cache_clear()
    assert made.interval.total_seconds() == hours * 3600
    assert made.callback.path == "segmentation.alerts.deadline.missed"
