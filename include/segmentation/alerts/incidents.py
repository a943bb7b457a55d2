"""Incidents as alerts (this module knows Airflow): facts from the run, the gate and the quarantine."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
from airflow.sdk import get_current_context

from segmentation import dates, settings
from segmentation.alerts import record
from segmentation.alerts.message import MOST_LISTED, Alert, Example, Kind, hide
from segmentation.alerts.notifier import SegmentationNotifier
from segmentation.errors import GateFailed, NoAnswer
from segmentation.quality import results
from segmentation.quality.results import DRIFT, Result, worst_first
from segmentation.row_rules import NO_FAULT
from segmentation.runs import connections, dag_ids, links, register
from segmentation.runs.night import Night
from segmentation.warehouse import db

WAREHOUSE = "warehouse"

# What names a row, in quarantine and in staging. Nothing of a customer does.
KEYS = {
    "orders": "order_id",
    "order_items": "order_id || '/' || line_no",
    "events": "event_id",
    "reviews": "review_id",
    "customers": "''::text",
}
# The column of an extracted table that an expectation wants to be there.
REQUIRED_COLUMN = {
    ("orders", "customer_present_share"): "customer_id",
    ("orders", "instant_present_share"): "ordered_at",
    ("order_items", "number_present_share"): "line_no",
    ("order_items", "product_present_share"): "product_id",
    ("order_items", "quantity_present_share"): "quantity",
    ("order_items", "price_present_share"): "unit_price",
    ("events", "instant_present_share"): "occurred_at",
    ("events", "type_present_share"): "event_type",
    ("reviews", "customer_present_share"): "customer_id",
    ("reviews", "instant_present_share"): "reviewed_at",
}

log = logging.getLogger("segmentation.alerts")


def safely(raise_alert: Callable[..., None], *arguments: Any) -> None:
    """Raise an alert; a fault of ours in doing so is logged, and is no fault of the night."""
    try:
        raise_alert(*arguments)
    except Exception:
        log.exception("an alert could not be raised; what it was to say is in the log of the task")


def failed(context: Any, words: str, run_id: str | None) -> None:
    """A failed gate, or a task that failed for good."""
    exception, task, dag_run = context.get("exception"), context["ti"], context["dag_run"]
    link = ui(dag_run.run_id, task.task_id, task.map_index, dag_id=task.dag_id)
    if task.dag_id == dag_ids.MAINTENANCE:
        _send(_of_maintenance(dag_run, task.task_id, words, link))
        return
    kind: Kind = "gate" if isinstance(exception, GateFailed) else "task"
    if kind == "gate":
        more = _gate(run_id, str(exception))
    else:
        facts = {"task": task.task_id, "is_published": _status(run_id) == "published"}
        more = {"what": tuple(line for line in words.splitlines() if line.strip()), "facts": facts}
    _send(_alert(kind, _day(context), run_id, dag_run.run_id, link=link, **more))


def _of_maintenance(dag_run: Any, task_id: str, words: str, link: str) -> Alert:
    """A task of the weekly maintenance; it is about the newest published date."""
    facts = {"task": f"{task_id} of {dag_ids.MAINTENANCE}", "is_published": True}
    day = _newest() or dates.as_of(None, dag_run.logical_date, dag_run.run_after, settings.load().tz)
    alert = _alert("task", day, None, dag_run.run_id, link=link, what=(words,), facts=facts)
    folder = settings.load().alerts.runbooks.rstrip("/")
    return replace(
        alert, rerun=f"airflow dags trigger {dag_ids.MAINTENANCE}", runbook=f"{folder}/maintenance.md"
    )


def held(
    night: Night, share: float, limit: float, moves: tuple[tuple[str, str, int], ...], link: str
) -> None:
    """A night that waits for somebody's decision."""
    largest = sorted(moves, key=lambda move: -move[2])
    facts = {
        "share": share,
        "limit": limit,
        "moves": [
            {"source": a, "target": b, "customers": f"{n:,}"} for a, b, n in largest[: 2 * MOST_LISTED]
        ],
        "decide": [_command(decision, night.as_of_date) for decision in ("release", "reject")],
    }
    alert = _alert("held", night.as_of_date, night.run_id, _dag_run_id(), facts=facts, link=link)
    _send(alert)


def no_data(night: Night) -> None:
    """A night without a customer."""
    _send(_alert("no_data", night.as_of_date, night.run_id, _dag_run_id()))


def died(as_of_date: date, run_id: str, dag_run_id: str | None, words: str) -> None:
    """A run whose process was killed, so that no task of it tells."""
    facts = {"task": "run", "is_published": False}
    _send(_alert("task", as_of_date, run_id, dag_run_id, what=(words,), facts=facts))


def withdrawn(as_of_date: date, run_id: str, by: str, note: str) -> None:
    """A date that was published and is no longer; it is over when the date is published again.

    A date that is still to come never will be.
    """
    facts = {"by": hide(by), "note": hide(note)}
    alert = _alert("withdrawn", as_of_date, run_id, None, facts=facts)
    _send(alert)
    if as_of_date > dates.today(settings.load().tz):
        with connections.database(WAREHOUSE).connect() as conn:
            record.recover(conn, as_of_date, run_id)


def late(dag_run: dict[str, Any], day: date, deadline: str) -> None:
    """A scheduled night that is not published when it should be; says how far it has come."""
    run = None
    with suppress(psycopg2.Error, NoAnswer), connections.database(WAREHOUSE).connect() as conn:
        if _is_published(conn, day) or not _was_there_before(conn, dag_run):
            return
        run = register.of_dag_run(conn, dag_run["dag_run_id"])
    facts = {"deadline": deadline, "status": run.status if run else None}
    for name, instant in (("started_at", run and run.started_at), ("heartbeat_at", run and run.heartbeat_at)):
        facts[name] = f"{instant.astimezone(settings.load().tz):%H:%M}" if instant else ""
    verdict = tuple((run.verdict or "").splitlines()) if run else ()
    _send(_alert("late", day, run.run_id if run else None, dag_run["dag_run_id"], what=verdict, facts=facts))


def recovered(night: Night) -> None:
    """The news that a date is published after all, when somebody was told that it was not."""
    with night.warehouse.connect() as conn:
        closed = record.recover(conn, night.as_of_date, night.run_id)
        run = register.find(conn, night.run_id)
    if not closed:
        return
    counts = run.counts if run else {}
    facts = {
        "earlier": [
            {"kind": row["kind"], "at": f"{row['at'].astimezone(night.settings.tz):%Y-%m-%d %H:%M}"}
            for row in closed
        ],
        "customers": f"{counts.get('customers', 0):,}",
        "segments": f"{counts.get('segments', 0):,}",
    }
    _send(_alert("recovered", night.as_of_date, night.run_id, _dag_run_id(), facts=facts))


# --- the parts of an alert --------------------------------------------------------------------------------


def _send(alert: Alert) -> None:
    SegmentationNotifier(alert, lambda: connections.database(WAREHOUSE))({})


def _alert(
    kind: Kind,
    day: date,
    run_id: str | None,
    dag_run_id: str | None,
    *,
    link: str = "",
    **more: Any,
) -> Alert:
    loaded = settings.load()
    return Alert(
        kind,
        loaded.shop.name,
        day,
        run_id,
        readers=_newest(),
        link=link or ui(dag_run_id),
        rerun=_command("run", day),
        runbook=f"{loaded.alerts.runbooks.rstrip('/')}/{kind}.md",
        dag_run_id=dag_run_id,
        **more,
    )


def _gate(run_id: str | None, message: str) -> dict[str, Any]:
    """Findings of a gate, from the results that it stored; the message of the failure where there is none."""
    with connections.database(WAREHOUSE).connect() as conn:
        checks = results.read(conn, run_id) if run_id else []
        failures = [check for check in checks if check.severity == "critical" and not check.success]
        examples = _examples(conn, run_id, failures)
    if not failures:
        return {"what": (message,), "facts": {"gate": ""}}
    # of many features that drifted, the worst first, behind what is no drift
    drifted = worst_first([result for result in failures if result.family == DRIFT])
    return {
        "what": (*(result for result in failures if result.family != DRIFT), *drifted),
        "examples": examples,
        "details": _page(failures[-1].link),
        "facts": {"gate": failures[-1].gate},
    }


def _examples(conn: db.Connection, run_id: str | None, failed_checks: list[Result]) -> tuple[Example, ...]:
    """Up to five rows behind the failures, by key: refused ones with their rule, or incomplete ones."""
    examples: list[Example] = []
    for check in failed_checks:
        table, name = check.table_name, check.expectation
        params = {"run_id": run_id, "n": MOST_LISTED, "no_fault": list(NO_FAULT)}
        if check.family == "broken_share" and table in KEYS:
            query = db.statement("alerts/quarantined.sql", table=table, key=KEYS[table])
            rows = db.rows(conn, query, params)
            examples += [Example(table, row["row_key"] or "", row["rule"]) for row in rows]
        elif (table, name) in REQUIRED_COLUMN:
            column = REQUIRED_COLUMN[table, name]
            query = db.statement("alerts/incomplete.sql", table=table, key=KEYS[table], required=column)
            examples += [Example(table, row["row_key"], column) for row in db.rows(conn, query, params)]
    return tuple(dict.fromkeys(examples))[:MOST_LISTED]


def _day(context: Any) -> date:
    """The date of a run; of one whose parameter is no date, the day that it was due."""
    run, tz = context["dag_run"], settings.load().tz
    with suppress(ValueError, KeyError):
        return dates.as_of(context["params"]["as_of_date"], run.logical_date, run.run_after, tz)
    return dates.as_of(None, run.logical_date, run.run_after, tz)


def _newest() -> date | None:
    """The newest published date; None also while the warehouse does not answer."""
    with suppress(Exception), connections.database(WAREHOUSE).connect(readonly=True) as conn:
        return register.newest(conn)
    return None


def _status(run_id: str | None) -> str | None:
    with suppress(Exception), connections.database(WAREHOUSE).connect(readonly=True) as conn:
        run = register.find(conn, run_id) if run_id else None
        return run.status if run else None
    return None


def _is_published(conn: db.Connection, day: date) -> bool:
    return register.published(conn, day) is not None


def _was_there_before(conn: db.Connection, dag_run: dict[str, Any]) -> bool:
    """True where this night ran, or anything before it was due: else it is older than the installation."""
    if db.scalar(conn, "select to_regclass('segments.runs')") is None:
        return False
    query = (
        "select exists (select from segments.runs "
        "where started_at < %(due)s::timestamptz or dag_run_id = %(id)s)"
    )
    due = dag_run["logical_date"] or dag_run["run_after"]
    return db.scalar(conn, query, {"due": due, "id": dag_run["dag_run_id"]})


def _dag_run_id() -> str | None:
    with suppress(Exception):  # outside of a task
        return get_current_context()["dag_run"].run_id
    return None


def ui(dag_run_id: str | None, task_id: str = "", map_index: int = -1, dag_id: str = dag_ids.NIGHT) -> str:
    """Address of the run or its task in the Airflow UI; empty where there is no UI (`make run`)."""
    base = links.base_url()
    if not base or not dag_run_id:
        return ""
    task = f"/tasks/{task_id}" if task_id else ""
    mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
    return f"{base}/dags/{dag_id}/runs/{quote(dag_run_id)}{task}{mapped}"


def _page(link: str | None) -> str:
    """Address of the page of a gate: Data Docs, in the UI, else among the artifacts."""
    if not link:
        return ""
    return links.url(link) or f"{str(connections.store()).rstrip('/')}/{link}"


def _command(what: str, day: date) -> str:
    """The command that runs a date again, or decides about one: of this machine, or of a deployment."""
    shop = Path(os.environ.get("AIRFLOW_HOME", "")).parent / "shop.json"
    if shop.exists():  # made by `make run` and `make up`
        return f"make {what} SHOP={settings.load().shop.name} AS_OF={day}"
    if what == "run":
        return f'airflow dags trigger {dag_ids.NIGHT} --conf \'{{"as_of_date": "{day}"}}\''
    return f"python -m segmentation {what} {day}"
