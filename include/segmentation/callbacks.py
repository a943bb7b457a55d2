"""What happens around the tasks (this module knows Airflow): retries, and the record of a failure."""

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from segmentation import runs, settings
from segmentation.errors import GateFailed, UserError


def verdict(exception: BaseException | str | None) -> str:
    """What a failure says to a person: all of a fault that a person can mend, else its first line."""
    if isinstance(exception, UserError):
        return str(exception)
    first = (str(exception or "").strip().splitlines() or ["no message"])[0]
    kind = type(exception).__name__ if isinstance(exception, BaseException) else "failed"
    return f"{kind}: {first[:500]}"


def record_failure(context: Any) -> None:
    """End the run with its verdict: `rejected` by a gate, or `failed`. What is published stays."""
    from segmentation import connections, progress

    exception = context.get("exception")
    task = context["ti"].task_id
    words = verdict(exception)
    progress.say(f"FAILED {task}: {words}")
    reference = context["ti"].xcom_pull(task_ids="start")
    if not reference:
        return
    status = "rejected" if isinstance(exception, GateFailed) else "failed"
    runs.finish(connections.database("warehouse"), reference["run_id"], status, f"{task}: {words}")


DEFAULT_ARGS = {
    "owner": "segmentation",
    "retries": settings.load().run.retries,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
    # What a person must mend is not tried again; everything else may pass.
    "retry_policy": ExceptionRetryPolicy(
        rules=[RetryRule(exception=UserError, action=RetryAction.FAIL, reason="a person must mend this")]
    ),
    "on_failure_callback": record_failure,
}
