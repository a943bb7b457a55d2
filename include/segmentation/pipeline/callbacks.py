"""Callbacks around the tasks (this module knows Airflow): limits, retries, the record of a failure, its alert."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg2
from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowTaskTimeout

from segmentation import alerts, progress, settings
from segmentation.errors import GateFailed, HeldError, NoAnswer, UserError, full_disk
from segmentation.pipeline.listening import IN_THE_FUTURE
from segmentation.runs import connections, register


def verdict(exception: BaseException | str | None) -> str:
    """The words of a failure for a person: all of a fault that a person can mend, else its first line."""
    if isinstance(exception, (UserError, NoAnswer)):
        return str(exception)
    if isinstance(exception, AirflowTaskTimeout):
        minutes = settings.load().limits.task_minutes
        return f"it took longer than {minutes} minutes (limits.task_minutes) and was ended"
    if isinstance(exception, BaseException) and (words := full_disk(exception, connections.store())):
        return f"{words}, or name another place (run.artifacts); then run it again"
    first = (str(exception or "").strip().splitlines() or ["no message"])[0]
    kind = type(exception).__name__ if isinstance(exception, BaseException) else "failed"
    return f"{kind}: {first[:500]}"


def record_failure(context: Any) -> None:
    """End the run with its verdict, `rejected` by a gate or `failed`, and tell somebody.

    What is published stays.
    """
    exception = context.get("exception")
    task = context["ti"].task_id
    words = verdict(exception)
    progress.say(f"FAILED {task}: {words}")
    run_id = None
    try:
        run_id = _run_id(context)
        if run_id:
            status = "rejected" if isinstance(exception, GateFailed) else "failed"
            target = connections.database("warehouse")
            register.finish(target, run_id, status, f"{task}: {words}", _ended_by(exception))
    finally:  # a warehouse that does not answer may be why the task failed
        if not isinstance(exception, HeldError):  # its alert was sent when the night was held
            alerts.failed(context, words, run_id)


def _ended_by(exception: BaseException | str | None) -> str | None:
    """The end of a task that did not end itself, in words; Airflow has words only of one whose process is gone."""
    if isinstance(exception, AirflowTaskTimeout):
        return "timeout"
    return None if isinstance(exception, BaseException) else "killed"


def end_run(context: Any) -> None:
    """End what a DAG run left behind that failed without a task telling so, and tell somebody.

    On `dagrun_timeout` Airflow skips the tasks that are unfinished and calls this alone. What a task has told
    already is not told again: it is the same incident.
    """
    dag_id, reason = context["dag"].dag_id, context.get("reason") or "it failed"
    dag_run = context.get("dag_run") or SimpleNamespace(
        run_id=context["run_id"], logical_date=None, run_after=datetime.now(UTC)
    )
    task = context.get("ti") or SimpleNamespace(task_id="run", map_index=-1, dag_id=dag_id)
    is_late = reason == "timed_out"
    words = _why(reason, dag_run)
    words += ": what was unfinished is skipped, and nothing of it is published"
    run = _run_of(dag_run.run_id)
    if run and run.status != "running":
        if not is_late:
            return  # a task has told why
        words = f"{words}; its run is {run.status}"
    elif run:
        target = connections.database("warehouse")
        register.finish(target, run.run_id, "failed", words, "timeout" if is_late else "skipped")
    elif not is_late and reason != IN_THE_FUTURE:
        return  # the task that failed has told: no run of ours had begun
    progress.say(f"FAILED {dag_id}: {words}")
    failure = {"exception": None, "ti": task, "dag_run": dag_run, "params": context.get("params") or {}}
    alerts.failed(failure, words, run.run_id if run else None)


def _why(reason: str, dag_run: Any) -> str:
    """The words of what ended a run without a task telling so."""
    if reason == "timed_out":
        return f"the run took longer than {settings.load().limits.run_hours} hours"
    if reason == IN_THE_FUTURE:
        return (
            f"its logical date {dag_run.logical_date or ''} is in the future, and Airflow would wait for it"
        )
    return reason


def _run_id(context: Any) -> str | None:
    """The run that `start` registered, even when it failed after that; None when there is none."""
    with suppress(Exception):  # of a task whose process is gone there may be no way to ask
        if reference := context["ti"].xcom_pull(task_ids="start"):
            return reference["run_id"]
    run = _run_of(context["dag_run"].run_id)
    return run.run_id if run else None


def _run_of(dag_run_id: str) -> register.Run | None:
    with (
        suppress(psycopg2.Error, UserError, NoAnswer),
        connections.database("warehouse").connect(readonly=True) as conn,
    ):
        return register.of_dag_run(conn, dag_run_id)
    return None


RUN_LIMIT = timedelta(hours=settings.load().limits.run_hours)

DEFAULT_ARGS = {
    "owner": "segmentation",
    # a task that waits for something that never comes would wait for ever, and keep the others waiting
    "execution_timeout": timedelta(minutes=settings.load().limits.task_minutes),
    "retries": settings.load().run.retries,
    "retry_delay": timedelta(seconds=settings.load().run.retry_seconds),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
    # What a person must mend is not tried again; everything else may pass.
    "retry_policy": ExceptionRetryPolicy(
        rules=[RetryRule(exception=UserError, action=RetryAction.FAIL, reason="a person must mend this")]
    ),
    "on_failure_callback": record_failure,
}
