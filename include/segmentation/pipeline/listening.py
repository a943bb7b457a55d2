"""Listener of DAG runs (this module knows Airflow): one whose logical date is still to come ends at once.

Airflow begins none of its tasks before that date, so that `start` cannot refuse it; and as the one run of a DAG
that may be active it would keep every night waiting until `dagrun_timeout`.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.listeners import hookimpl

from segmentation.runs import dag_ids

IN_THE_FUTURE = "in_the_future"  # the reason that the callback of the DAG is given
FIRST_TASK = "start"  # which the callback is told of; of the other DAGs it is any
OURS = (dag_ids.NIGHT, dag_ids.MAINTENANCE, dag_ids.AUDIENCES)


@hookimpl
def on_dag_run_running(dag_run: Any, msg: str) -> None:
    """Fail a run of ours that would wait for its logical date, and have the callback of its DAG tell."""
    if dag_run.dag_id in OURS and dag_run.logical_date and dag_run.logical_date > datetime.now(UTC):
        _fail(dag_run)


def _fail(dag_run: Any) -> None:
    from airflow.callbacks.database_callback_sink import DatabaseCallbackSink
    from airflow.utils.state import DagRunState, TaskInstanceState
    from sqlalchemy.orm import object_session

    session: Any = object_session(dag_run)  # the scheduler's, which commits
    dag_run.set_state(DagRunState.FAILED)
    tasks = dag_run.get_task_instances(session=session)
    for task in tasks:
        task.state = TaskInstanceState.SKIPPED
    first = min(tasks, key=lambda task: task.task_id != FIRST_TASK, default=None)
    callback = dag_run.produce_dag_callback(
        dag=dag_run.dag, success=False, relevant_ti=first, reason=IN_THE_FUTURE
    )
    DatabaseCallbackSink().send(callback, session=session)
