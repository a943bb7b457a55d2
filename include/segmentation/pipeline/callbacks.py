"""Callbacks around the tasks (this module knows Airflow): retries, the record of a failure, its alert."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import psycopg2
from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from segmentation import alerts, progress, settings
from segmentation.errors import GateFailed, HeldError, UserError
from segmentation.runs import connections, register


def verdict(exception: BaseException | str | None) -> str:
    """The words of a failure for a person: all of a fault that a person can mend, else its first line."""
    if isinstance(exception, UserError):
        return str(exception)
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
            register.finish(connections.database("warehouse"), run_id, status, f"{task}: {words}")
    finally:  # a warehouse that does not answer may be why the task failed
        if not isinstance(exception, HeldError):  # its alert was sent when the night was held
            alerts.failed(context, words, run_id)


def _run_id(context: Any) -> str | None:
    """The run that `start` registered, even when it failed after that; None when there is none."""
    reference = context["ti"].xcom_pull(task_ids="start")
    if reference:
        return reference["run_id"]
    with (
        suppress(psycopg2.Error, UserError),
        connections.database("warehouse").connect(readonly=True) as conn,
    ):
        run = register.of_dag_run(conn, context["dag_run"].run_id)
        return run.run_id if run else None
    return None


DEFAULT_ARGS = {
    "owner": "segmentation",
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
